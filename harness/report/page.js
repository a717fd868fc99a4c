'use strict';
// Sort by clicking a column's head, filter by typing, show exact figures, unfold cases and modules.

// ------------------------------------------------------------------------------------- tables

for (const table of document.querySelectorAll('table.sortable')) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => sort(table, heads, head, column));
  });
}
function sort(table, heads, head, column) {
  const up = head.getAttribute('aria-sort') !== 'ascending';
  heads.forEach(other => other.removeAttribute('aria-sort'));
  head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
  const rows = [...table.tBodies[0].rows].map(row => [keyOf(row.cells[column]), row]);
  rows.sort((a, b) => compare(a[0], b[0], up)).forEach(pair => table.tBodies[0].append(pair[1]));
}
function keyOf(cell) {
  const text = 'sort' in cell.dataset ? cell.dataset.sort : cell.textContent.trim();
  const number = text === 'inf' || text === '∞' ? Infinity : Number(text.replace(/[≈!,\s]/g, ''));
  return text === '' ? NaN : isNaN(number) ? text : number;
}
function compare(a, b, up) {
  if (typeof a === 'number' && typeof b === 'number') {
    if (isNaN(a) || isNaN(b)) return isNaN(a) - isNaN(b);
    return up ? a - b : b - a;
  }
  const order = String(a).localeCompare(String(b), undefined, {numeric: true});
  return up ? order : -order;
}

// ------------------------------------------------------------------------ filter, exact figures

const filter = document.getElementById('filter');
const exact = document.getElementById('exact');
filter.closest('p').hidden = false;
filter.addEventListener('input', () => {
  const words = filter.value.toLowerCase().split(/\s+/);
  const fits = text => words.every(word => text.toLowerCase().includes(word));
  let shown = 0;
  for (const section of document.querySelectorAll('details.case')) {
    section.hidden = !fits(section.dataset.case);
    shown += !section.hidden;
  }
  for (const row of document.querySelectorAll('table.cases tbody tr')) {
    row.hidden = !fits(row.cells[0].textContent);
  }
  document.getElementById('shown').textContent = filter.value ? shown + ' shown' : '';
});
exact.addEventListener('change', () => {
  for (const link of document.querySelectorAll('table.heat td a[title]')) {
    const text = link.textContent;
    link.textContent = link.title;
    link.title = text;
  }
});

// ------------------------------------------------------------------------------------- a case

function make(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter(child => child !== null && child !== ''));
  return made;
}
async function unpacked(data) {
  const bytes = Uint8Array.from(atob(data), sign => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).json();
}
async function fill(section) {
  const data = section.dataset.answers;
  if (!data) return;
  delete section.dataset.answers;
  const told = await unpacked(data);
  if (told.description) section.append(make('p', {}, told.description));
  if (told.figures.length) section.append(plainTable('By convention', ['convention', 'value', 'unit'], told.figures));
  for (const answer of told.answers) section.append(article(answer, told));
  if (told.unsupported.length) section.append(plainTable('Operators without a formula', ['operator', 'calls'], told.unsupported));
}
function plainTable(title, names, rows) {
  const table = make('table', {}, make('caption', {}, title));
  const cell = (text, column) => column ? make('td', {class: column === 1 ? 'num' : ''}, text) : make('th', {scope: 'row'}, text);
  table.append(make('thead', {}, make('tr', {}, ...names.map((name, column) => make('th', {scope: 'col', class: column === 1 ? 'num' : ''}, name)))));
  table.append(make('tbody', {}, ...rows.map(row => make('tr', {}, ...row.map(cell)))));
  return make('div', {class: 'scroll', tabindex: 0}, table);
}
function article(answer, told) {
  const loud = answer.loud ? ' loud' : '';
  const made = make('article', {id: answer.id}, make('h4', {},
    make('a', {href: '#' + answer.id}, answer.counter), ' ',
    make('span', {class: 'context'}, answer.context + ', ' + answer.metric), ' ',
    make('span', {class: 'figure' + loud}, answer.figure), ' ',
    answer.why ? make('span', {class: 'why' + loud}, answer.why) : ''));
  if (answer.message) made.append(make('p', {class: 'message'}, answer.message));
  const lines = answer.bridge || [];
  if (lines.some(line => line.bar)) made.append(bridge(lines, told));
  else if (lines.length) made.append(make('p', {class: 'note'}, 'Equal to the reference, with no term on the way.'));
  if (answer.modules) made.append(make('p', {class: 'note' + (answer.off ? ' loud' : '')}, answer.modules + '.'));
  if (answer.off) made.append(plainTable('Reported less predicted', ['module', 'difference'], answer.off));
  const remarks = [answer.told ? ['The tool says ', make('code', {}, answer.told)] : [], ...(answer.remarks || []).map(text => [text])];
  const said = remarks.filter(parts => parts.length).flatMap((parts, place) => place ? ['; ', ...parts] : parts);
  if (said.length) made.append(make('p', {class: 'note'}, ...said, '.'));
  return made;
}
function bridge(lines, told) {
  const heads = ['term', 'amount', 'share', 'waterfall'].map((name, column) => make('th', {scope: 'col', class: column === 1 || column === 2 ? 'num' : ''}, name));
  const rows = lines.map(line => {
    const [left, width, tone] = line.bar || [0, 0, ''];
    const term = make('th', {scope: 'row'}, line.term);
    if (line.sentence) term.append(make('small', {}, line.sentence));
    const places = [['in', line.classes], ['done by', line.operators]].filter(([, names]) => names && names.length);
    if (places.length) term.append(make('small', {}, places.map(([word, names]) => word + ' ' + names.join(', ')).join('; ')));
    if (line.breakdown !== undefined) term.append(modules(told.breakdowns[line.breakdown], told.paths));
    const end = line.term === 'reference' || line.term === 'reading';
    return make('tr', {class: line.loud ? 'loud' : end ? 'end' : ''}, term,
      make('td', {class: 'num'}, line.amount), make('td', {class: 'num'}, line.share || ''),
      make('td', {class: 'bar', 'aria-hidden': 'true'}, make('i', {class: tone, style: `margin-left:${left}%;width:${width}%`})));
  });
  const table = make('table', {class: 'bridge'}, make('caption', {class: 'unseen'}, 'From the reference to the reading'),
    make('thead', {}, make('tr', {}, ...heads)), make('tbody', {}, ...rows));
  return make('div', {class: 'scroll', tabindex: 0}, table);
}

// ------------------------------------------------------------- the modules of a term, as a tree

const grouped = amount => amount.toLocaleString('en-US', {maximumFractionDigits: 20}).replace('-', '−');
const exactly = amount => typeof amount === 'string' ? BigInt(amount) : amount;
const sum = (a, b) => typeof a === typeof b ? a + b : BigInt(a) + BigInt(b);
function modules(breakdown, paths) {
  const count = breakdown.length / 2;
  const made = make('details', {class: 'tree'}, make('summary', {}, count === 1 ? '1 module' : grouped(count) + ' modules'));
  made.addEventListener('toggle', () => made.append(branches(treeOf(breakdown, paths))), {once: true});
  return made;
}
function treeOf(breakdown, paths) {
  const root = {name: '', amount: 0, count: 0, below: new Map()};
  for (let place = 0; place < breakdown.length; place += 2) {
    const amount = exactly(breakdown[place + 1]);
    const path = paths[breakdown[place]];
    let node = root;
    for (const name of path === '' ? ['(root)'] : path.split('.')) {
      if (!node.below.has(name)) node.below.set(name, {name, amount: 0, count: 0, below: new Map()});
      node = node.below.get(name);
      node.amount = sum(node.amount, amount);
      node.count += 1;
    }
  }
  return root;
}
function branches(node) {
  return make('ul', {}, ...[...node.below.values()].map(child => {
    while (child.below.size === 1 && child.count === [...child.below.values()][0].count) {
      const [only] = child.below.values();
      child = {...only, name: child.name + '.' + only.name};
    }
    const words = [make('code', {}, child.name), ' ', make('span', {class: 'num'}, grouped(child.amount))];
    if (!child.below.size) return make('li', {}, ...words);
    const deeper = make('details', {}, make('summary', {}, ...words, ' ', make('span', {class: 'context'}, grouped(child.count) + ' modules')));
    deeper.addEventListener('toggle', () => deeper.append(branches(child)), {once: true});
    return make('li', {}, deeper);
  }));
}

// --------------------------------------------------------------------------------------- links

for (const section of document.querySelectorAll('details.case')) {
  section.addEventListener('toggle', () => fill(section), {once: true});
}
function caseOf(name) {
  const parts = name.split('--');
  if (parts[0] !== 'why') return null;
  for (let end = parts.length - 1; end > 2; end -= 1) {
    const section = document.getElementById(['case', ...parts.slice(2, end)].join('--'));
    if (section) return section;
  }
  return null;
}
async function reveal() {
  const name = decodeURIComponent(location.hash.slice(1));
  if (!name) return;
  const home = caseOf(name) || document.getElementById(name);
  const around = home && home.closest('details');
  if (!around) return;
  if (around.classList.contains('case')) await fill(around);
  around.open = true;
  const target = document.getElementById(name) || home;
  for (const old of document.querySelectorAll('.target')) old.classList.remove('target');
  target.classList.add('target');
  target.scrollIntoView();
}
addEventListener('hashchange', reveal);
reveal();
