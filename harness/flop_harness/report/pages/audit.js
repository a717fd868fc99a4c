// The ways of counting that give a published figure, or come nearest, unfold below its verdict.

const verdicts = /** @type {HTMLElement} */ (document.querySelector('.claims'));
/** @type {Promise<Record<string, Evidence>>} */
const evidence = unpacked(verdicts.dataset.evidence || '');
for (const fold of verdicts.querySelectorAll('details')) {
  fold.addEventListener('toggle', async () => {
    const told = (await evidence)[fold.closest('tr')?.id || ''];
    if (told) fold.append(tableOf(told[0], told[1], told[2]), make('p', {class: 'note'}, told[3]));
  }, {once: true});
}
