// Elements made from data, and numbers as they are written: for the site and for a report.

/** @type {(tag: string, attributes?: Attributes, ...parts: Part[]) => Made} without false attributes */
function make(tag, attributes = {}, ...parts) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value != null) made.setAttribute(name, String(value));
  }
  made.append(.../** @type {string[]} */ (parts.flat(9).filter(part => part != null && part !== '')));
  return made;
}

/** @type {(...ids: string[]) => any[]} */
const byId = (...ids) => ids.map(id => document.getElementById(id));

/** @type {(name: string, part: Node) => Made} */
const scrolled = (name, part) => make('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': name}, part);

/** @type {(caption: string, heads: string[], rows: Part[][], right?: number[]) => Made}
 * a table whose first column heads the rows; figures stand in the columns on the right */
function tableOf(caption, heads, rows, right = [1]) {
  const head = heads.map((name, at) => make('th', {scope: 'col', class: right.includes(at) && 'num'}, name));
  const line = (/** @type {Part[]} */ cells) => make('tr', {}, cells.map((cell, at) =>
    at ? make('td', {class: right.includes(at) && 'num'}, cell) : make('th', {scope: 'row'}, cell)));
  return scrolled(caption, make('table', {}, make('caption', {}, caption),
    make('thead', {}, make('tr', {}, head)), make('tbody', {}, rows.map(line))));
}

/** @type {(heads: Heads, lines: Line[], name?: string) => Made} from the reference to the reading, with bars */
function bridgeOf(heads, lines, name = 'Terms') {
  const rules = () => heads[3].map(tick => make('i', {style: tick.style.cssText, class: tick.className}));
  const rows = lines.map(({term, notes = [], amount, share, tone, bar: [left, width, kind] = [0, 0, '']}) =>
    make('tr', {class: tone}, make('th', {scope: 'row'}, term, notes.map(part => part && make('small', {}, part))),
      make('td', {class: 'num'}, amount), make('td', {class: 'num'}, share),
      make('td', {class: 'axis', 'aria-hidden': 'true'}, rules(),
        make('u', {class: kind, style: `left:${left}%;width:${width}%`}))));
  const head = heads.map((part, at) => make('th', {scope: 'col', class: ['', 'num', 'num', 'axis'][at]}, part));
  return scrolled(name, make('table', {class: 'terms'},
    make('caption', {class: 'unseen'}, 'From the reference to the reading'),
    make('thead', {}, make('tr', {}, head)), make('tbody', {}, rows)));
}

const ENGLISH = new Intl.NumberFormat('en-US', {maximumFractionDigits: 6});
/** @type {(value: Amount) => string} 4133742592 -> 4,133,742,592 */
const grouped = value => ENGLISH.format(typeof value === 'string' ? BigInt(value) : value).replace('-', '−');
const signed = (/** @type {Amount} */ value) => (Number(value) > 0 ? '+' : '') + grouped(value);
/** @type {(text: string) => string} letters and digits alone: vit_b_16 is ViT-B/16 */
const squashed = text => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '');

/** @type {(summary: string, text: string) => Made} code to unfold and copy; the templates write the same */
const codeBlock = (summary, text) => make('details', {class: 'code-of'}, make('summary', {}, summary),
  make('div', {class: 'code'}, make('button', {type: 'button', class: 'copy'}, 'Copy'),
    make('pre', {tabindex: 0}, make('code', {}, text))));
document.addEventListener('click', async event => {
  const button = /** @type {HTMLElement} */ (event.target);
  const source = button.matches('.copy') && button.closest('.code, table');
  if (!source) return;
  const rows = [...source.querySelectorAll('tr')].map(row => [...row.cells].map(cell => cell.innerText).join('\t'));
  const text = source.querySelector('code')?.textContent || rows.join('\n');
  getSelection()?.selectAllChildren(source.querySelector('code, tbody') || source);
  button.textContent = await navigator.clipboard.writeText(text).then(() => 'Copied', () => 'Selected');
});
