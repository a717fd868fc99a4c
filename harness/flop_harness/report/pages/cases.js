// A case unfolds into who agrees on it, its figures by convention and the bridge to each reading.

async function unpacked(data) {
  const bytes = Uint8Array.from(atob(data), sign => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).json();
}
const known = new Map();
function toldOf(section) {
  if (!known.has(section)) known.set(section, unpacked(section.dataset.answers));
  return known.get(section);
}
const filled = new Set();
async function fill(section) {
  if (filled.has(section)) return;
  filled.add(section);
  const told = await toldOf(section);
  if (told.description) section.append(make('p', {}, told.description));
  for (const [title, heads, rows] of told.agreed) section.append(plainTable(title, heads, rows));
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
  const made = make('article', {id: answer.id, tabindex: -1}, make('h4', {},
    make('a', {href: '#' + answer.id}, `${answer.case} · ${answer.counter}`), ' ',
    make('span', {class: 'context'}, answer.context + ', ' + answer.metric), ' ',
    make('span', {class: 'figure' + loud}, answer.figure), ' ',
    answer.why ? make('span', {class: 'why' + loud}, answer.why) : '', ' ',
    answer.unit ? button('convert', () => convertFrom(answer.id), {class: 'quiet'}) : '', ' ',
    button('copy link', () => copy(location.href.split('#')[0] + '#' + answer.id, 'Link'), {class: 'quiet'})));
  if (answer.message) made.append(make('p', {class: 'message'}, answer.message));
  const lines = answer.bridge || [];
  if (lines.some(line => line.bar)) made.append(bridge(lines, told, answer.scale));
  else if (lines.length) made.append(make('p', {class: 'note'}, 'Equal to the reference, with no term on the way.'));
  if (answer.modules) made.append(make('p', {class: 'note' + (answer.off ? ' loud' : '')}, answer.modules + '.'));
  if (answer.off) made.append(plainTable('Reported less predicted', ['module', 'difference'], answer.off));
  const tool = `Read by ${answer.counter} ${answer.version || ''}`.trim();
  const remarks = [answer.told ? [`${tool}, which says `, make('code', {}, answer.told)] : [tool], ...(answer.remarks || []).map(text => [text])];
  const said = remarks.flatMap((parts, place) => place ? ['; ', ...parts] : parts);
  made.append(make('p', {class: 'note'}, ...said, '. Again: ', make('code', {}, `${told.again} --counters ${answer.counter}`)));
  if (answer.code) made.append(example(joined(...answer.code.map(place => told.pieces[place]))));
  return made;
}
function example(text) {
  const block = make('pre', {tabindex: 0}, make('code', {}, text));
  return make('details', {class: 'example'}, make('summary', {}, 'The code that gives this figure'),
    button('Copy', () => copy(text, 'Code'), {class: 'quiet'}), block);
}
function joined(...texts) {
  const lines = texts.map(text => text.split('\n'));
  const isImport = line => /^(import|from) /.test(line);
  const imports = [...new Set(lines.flat().filter(isImport))];
  imports.sort((a, b) => a.startsWith('from ') - b.startsWith('from ') || (a < b ? -1 : 1));
  const bodies = lines.map(text => text.filter(line => !isImport(line)).join('\n').replace(/^\n+|\n+$/g, ''));
  return [imports.join('\n'), ...bodies].filter(Boolean).join('\n\n') + '\n';
}
function bridge(lines, told, scale) {
  const heads = ['term', 'amount', 'share', `waterfall, ${scale} of the reference wide`].map((name, column) => make('th', {scope: 'col', class: column === 1 || column === 2 ? 'num' : ''}, name));
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
