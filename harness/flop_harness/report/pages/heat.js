// The table of every figure: which quantity, exact figures or ratios, the contexts of a counter.

const heats = /** @type {HTMLTableElement[]} */ ([...document.querySelectorAll('table.heat')]);
const choices = /** @type {HTMLFormElement} */ (document.getElementById('controls'));
const {exact, contexts} = /** @type {Record<string, any>} */ (choices.elements);

function choose() {
  const chosen = Number(new FormData(choices).get('quantity') || 0);
  heats.forEach((table, place) => {
    table.closest('.quantity')?.toggleAttribute('hidden', place !== chosen);
    for (const head of table.querySelectorAll('th')) {
      if ('further' in head.dataset) for (const row of table.rows) row.cells[head.cellIndex].hidden = !contexts.checked;
    }
  });
}
function swap() {
  const links = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('.heat td:not(.silent) a[title]'));
  for (const link of links) [link.textContent, link.title] = [link.title, link.textContent || ''];
}
choices.hidden = !heats.length;
choices.addEventListener('submit', event => event.preventDefault());
choices.addEventListener('change', choose);
exact.addEventListener('change', swap);
choose();
