// The table of every figure: search models and counters, exact figures, copy a row or all of it.

const controls = document.getElementById('controls');
const [models, counters, exact, contexts, format, told] = ['models', 'counters', 'exact', 'contexts', 'format', 'told']
  .map(id => document.getElementById(id));
const quantities = [...document.querySelectorAll('.quantity')];
const heats = quantities.map(quantity => quantity.querySelector('table.heat'));
const LEAD = 3; // columns before those of the counters: case, input, reference
const chosen = () => heats[Number((controls.elements.quantity || {value: 0}).value || 0)];

controls.hidden = heats.length === 0;
controls.addEventListener('submit', event => event.preventDefault());

// --------------------------------------------------------------------------------- what is shown

function hideAllBut(elements, textOf, wanted) {
  const shown = chosenAmong(elements.map(textOf), wanted);
  elements.forEach((element, place) => { element.hidden = !shown.has(place); });
  return shown.size;
}
function narrow() {
  const count = hideAllBut([...document.querySelectorAll('details.case')], section => section.dataset.find, models.value);
  let columns = 0;
  for (const table of heats) {
    hideAllBut([...table.tBodies[0].rows], row => row.dataset.find, models.value);
    const heads = [...table.tHead.rows[0].cells].filter(head => 'counter' in head.dataset);
    const shown = chosenAmong(heads.map(head => head.textContent.trim()), counters.value);
    heads.forEach((head, place) => {
      const hidden = !shown.has(place) || ('further' in head.dataset && !contexts.checked);
      for (const row of table.rows) row.cells[place + LEAD].hidden = hidden;
    });
    if (table === chosen()) columns = shown.size;
  }
  told.textContent = columns ? (models.value ? `${count} ${count === 1 ? 'model' : 'models'}` : '') : 'no such counter here';
}
function turn() {
  quantities.forEach((quantity, place) => { quantity.hidden = heats[place] !== chosen(); });
}
function swap() {
  for (const link of document.querySelectorAll('table.heat td:not(.silent) a[title]')) {
    const text = link.textContent;
    link.textContent = link.title;
    link.title = text;
  }
}

// ----------------------------------------------------------------------------------------- copy

const bare = text => text.replaceAll(',', '');
const cellOf = (cell, column) => {
  const link = column >= LEAD && !cell.classList.contains('silent') && cell.querySelector('a[title]');
  return link ? (exact.checked ? link.textContent : link.title) : (cell.querySelector('a') || cell).textContent.trim();
};
const headOf = head => {
  const unit = head.querySelector('.unit');
  const under = head.querySelector('small');
  const name = [...(head.querySelector('button span') || head.querySelector('button')).childNodes]
    .filter(node => node.nodeType === Node.TEXT_NODE).map(node => node.textContent.trim()).join('');
  return name + (unit ? ` (${unit.textContent})` : '') + (under ? `, ${under.textContent}` : '');
};
const TEX = {'\\': '\\textbackslash{}', '{': '\\{', '}': '\\}', '$': '\\$', '&': '\\&', '#': '\\#', '%': '\\%',
  '_': '\\_', '^': '\\textasciicircum{}', '~': '\\textasciitilde{}'};
const tex = text => /^[\d,]+$/.test(text) ? `\\num{${bare(text)}}` : text.replace(/[\\{}$&#%_^~]/g, sign => TEX[sign]);
const quoted = text => /^[\d,]+$/.test(text) ? bare(text) : /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
// What a table says without its page: suite, reference, versions.
const origin = () => {
  const {suite, note} = quantities[heats.indexOf(chosen())].dataset;
  return `flop-harness, suite ${suite}, exact figures. ${note}`;
};
const FORMATS = {
  markdown: rows => {
    const line = cells => `| ${cells.map(text => text.replaceAll('|', '\\|')).join(' | ')} |`;
    const rule = `|${rows[0].map((_, column) => column ? ' ---: |' : ' --- |').join('')}`;
    return [line(rows[0]), rule, ...rows.slice(1).map(line), '', origin()].join('\n');
  },
  latex: ([heads, ...rows]) => ['% needs \\usepackage{booktabs,siunitx}', `% ${origin()}`, `\\begin{tabular}{l${'r'.repeat(heads.length - 1)}}`, '\\toprule',
    `${heads.map(tex).join(' & ')} \\\\`, '\\midrule', ...rows.map(row => `${row.map(tex).join(' & ')} \\\\`),
    '\\bottomrule', '\\end{tabular}'].join('\n'),
  csv: rows => [`# ${origin()}`, ...rows.map(row => row.map(quoted).join(','))].join('\n'),
};
function textOf(rows) {
  const seen = cells => [...cells].map((cell, column) => [cell, column]).filter(([cell]) => !cell.hidden);
  const heads = seen(chosen().tHead.rows[0].cells).map(([head]) => headOf(head));
  const cells = rows.map(row => seen(row.cells).map(([cell, column]) => cellOf(cell, column)));
  return `${FORMATS[format.value]([heads, ...cells])}\n`;
}
async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make('textarea', {class: 'unseen', 'aria-hidden': 'true'});
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  told.textContent = `${what} copied`;
}
function copyRow(row, name) {
  copy(textOf([row]), `${name}, as ${format.selectedOptions[0].text},`);
}
for (const row of heats.flatMap(table => [...table.tBodies[0].rows])) {
  const name = row.cells[0].querySelector('a').textContent;
  row.cells[0].append(button('copy', () => copyRow(row, name), {class: 'copy', 'aria-label': `Copy the row of ${name}`, title: 'Copy this row'}));
}
document.getElementById('copy').addEventListener('click', () => {
  const rows = [...chosen().tBodies[0].rows].filter(row => !row.hidden);
  if (rows.length) copy(textOf(rows), `${rows.length} ${rows.length === 1 ? 'row' : 'rows'}, exact figures,`);
  else told.textContent = 'nothing to copy';
});
for (const block of document.querySelectorAll('details.example pre')) {
  block.before(button('Copy', () => copy(block.textContent, 'Code'), {class: 'quiet'}));
}
if (heats.length) {
  models.addEventListener('input', narrow);
  counters.addEventListener('input', narrow);
  exact.addEventListener('change', swap);
  contexts.addEventListener('change', narrow);
  controls.addEventListener('change', turn);
  contexts.closest('label').hidden = !document.querySelector('table.heat [data-further]');
  narrow();
  turn();
}
