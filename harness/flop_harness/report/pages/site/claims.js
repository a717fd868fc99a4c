// @ts-check
// Claims by what became of them, and by their words.

const text = /** @type {HTMLInputElement} */ (document.getElementById('claim'));
const buttons = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('button[data-tone]'));
const sections = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('section[data-tone]'));

function sift() {
  const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  buttons.forEach((button, place) => { sections[place].hidden = button.getAttribute('aria-pressed') === 'false'; });
  for (const row of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('.audit tbody tr'))) {
    row.hidden = !words.every(word => (row.textContent || '').toLowerCase().includes(word));
  }
}
function reach() {
  const row = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const section = row?.closest('section');
  if (!row || !section) return;
  document.querySelector(`button[data-tone="${section.dataset.tone}"]`)?.setAttribute('aria-pressed', 'true');
  sift();
  row.scrollIntoView({block: 'center'});
}
buttons.forEach(button => button.addEventListener('click', () => {
  button.setAttribute('aria-pressed', String(button.getAttribute('aria-pressed') === 'false'));
  sift();
}));
text.addEventListener('input', sift);
addEventListener('hashchange', reach);
reach();
