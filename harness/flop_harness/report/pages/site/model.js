// @ts-check
// Why a counter says what it says of a model: a waterfall, the modules, the terms, the code.

const why = /** @type {HTMLElement} */ (document.getElementById('why'));
/** @typedef {{term: string, amount: Amount, macs: number, sentence: string, modules: Record<string, number>, classes: Record<string, number>}} Step */
/** @typedef {{id: string, counter: string, name: string, version: string, contexts: string[], metric: string, unit: string, value: Amount | null, macs: number | null, deviation: number | null, mark: string, label: string, printed: string, message: string, reference: Amount | null, residual: Amount | null, steps: Step[], code?: number[]}} Answer */
/** @typedef {{name: string, macs: number, params: number, modules: Record<string, number>, answers: Answer[], pieces: string[]}} Shard */

let own = false;
async function unfold() {
  const id = decodeURIComponent(location.hash.slice(1));
  const line = id ? document.querySelector(`.who[href="#${CSS.escape(id)}"]`) : null;
  if (!line) return;
  /** @type {Shard} */
  const shard = await load(`model/${why.dataset.model}`);
  const answer = shard.answers.find(each => each.id === id);
  if (!answer) return;
  document.querySelectorAll('.chosen').forEach(row => row.classList.remove('chosen'));
  line.closest('tr')?.classList.add('chosen');
  line.closest('details')?.setAttribute('open', '');
  show(shard, answer);
  why.scrollIntoView({block: 'start'});
}

function show(/** @type {Shard} */ shard, /** @type {Answer} */ answer) {
  const unit = answer.metric === 'params' ? 'parameters' : answer.unit;
  const head = make('h2', {id: 'h-why', tabindex: -1}, `Why ${answer.name} says ${answer.value === null ? 'nothing' : `${grouped(answer.value)} ${unit}`}`);
  if (answer.value === null) {
    why.replaceChildren(head, make('p', {}, `${answer.mark[0].toUpperCase()}${answer.mark.slice(1)}: ${answer.message}`));
    return;
  }
  const told = answer.printed ? `It prints ${answer.label ? `${answer.label} ` : ''}${answer.printed}. ` : '';
  const where = `Read by ${answer.counter} ${answer.version}, in ${answer.contexts.join(', ')}. ${told}`;
  const apart = answer.deviation === 0 ? 'Equal to the reference.' : `${percent(answer.deviation)} against the reference${answer.unit === 'FLOP' ? ', a MAC being two FLOPs' : ''}.`;
  const moved = answer.steps.filter(step => step.macs);
  const parts = [head, make('p', {}, `${apart} ${where}`)];
  if (Number(answer.residual)) parts.push(make('p', {class: 'loud'}, `Not all explained: ${signed(answer.residual || 0)} is left over.`));
  if (moved.length) {
    const scale = make('button', {type: 'button', 'aria-pressed': String(own)}, 'Scale of this counter alone');
    scale.addEventListener('click', () => { own = !own; show(shard, answer); });
    const left = make('figure', {}, waterfall(shard, answer, moved), make('figcaption', {}, `Distance from the reference in ${answer.metric === 'params' ? 'parameters' : 'MAC'}, term by term. ${own ? 'The scale is this counter’s own.' : 'All counters of this model share the scale.'} `, scale));
    const right = answer.metric === 'compute' ? icicle(shard, answer) : null;
    parts.push(right ? make('div', {class: 'two'}, left, make('figure', {}, right, make('figcaption', {}, 'Modules by their work: grey is counted, blue is missed, orange is charged beyond the reference.'))) : left);
  }
  parts.push(table(answer, unit));
  if (answer.code) parts.push(make('details', {class: 'code-of'}, make('summary', {}, 'The code that gives this figure'), codeBlock(answer.code.map(place => shard.pieces[place]).join('\n'))));
  why.replaceChildren(...parts);
}

/** @returns {number[]} distances from the reference, from step to step */
const levels = (/** @type {Step[]} */ steps) => steps.reduce((found, step) => [...found, found[found.length - 1] + step.macs], [0]);

function waterfall(/** @type {Shard} */ shard, /** @type {Answer} */ answer, /** @type {Step[]} */ moved) {
  const shared = own ? [answer] : shard.answers.filter(each => each.metric === answer.metric);
  const every = shared.flatMap(each => levels(each.steps));
  const at = levels(moved);
  const rows = moved.map((step, place) => ({term: step.term, from: at[place], to: at[place + 1], macs: step.macs, sentence: step.sentence}));
  const end = {term: 'reading', from: 0, to: at[at.length - 1], macs: at[at.length - 1], sentence: 'All terms together.'};
  const width = Math.min(760, why.clientWidth * (why.clientWidth > 800 ? 0.58 : 1));
  const room = Math.min(260, width * 0.42), letters = Math.floor(room / 6.4) - 2;
  return picture(Plot.plot({
    width, height: 52 + 26 * (rows.length + 1), marginLeft: room, marginTop: 30, marginRight: 46,
    style: {background: 'none', fontSize: '12px'}, ariaLabel: 'Waterfall from the reference to the reading; the table below has its numbers',
    x: {axis: 'top', domain: [Math.min(...every), Math.max(...every)], nice: true, ticks: width > 500 ? 4 : 2, tickFormat: compact, label: null, grid: true},
    y: {label: null, domain: [...rows.map(row => row.term), 'reading'], tickFormat: (/** @type {string} */ term) => term.length > letters ? `${term.slice(0, letters - 1)}…` : term},
    marks: [Plot.barX([...rows, end], {y: 'term', x1: 'from', x2: 'to', fill: row => row.term === 'reading' ? 'var(--soft)' : row.macs > 0 ? 'var(--high4)' : 'var(--low4)', insetTop: 4, insetBottom: 4, title: row => `${row.term}: ${signed(row.macs)}\n${row.sentence}`, tip: false}),
      Plot.text([...rows, end], {y: 'term', x: row => Math.max(row.from, row.to), text: row => compact(row.macs), textAnchor: 'start', dx: 5, fill: 'currentColor'}),
      Plot.ruleX([0], {stroke: 'currentColor'})],
  }));
}

/** A tree of modules, each with the MAC that are counted, missed and beyond the reference. */
function tree(/** @type {Shard} */ shard, /** @type {Answer} */ answer) {
  /** @type {Map<string, {path: string, reference: number, missed: number, extra: number, children: any[]}>} */
  const nodes = new Map();
  const node = (/** @type {string} */ path) => {
    const known = nodes.get(path);
    if (known) return known;
    const made = {path, reference: 0, missed: 0, extra: 0, children: []};
    nodes.set(path, made);
    if (path) node(path.split('.').slice(0, -1).join('.')).children.push(made);
    return made;
  };
  node('');
  for (const [path, macs] of Object.entries(shard.modules)) node(path).reference = macs;
  for (const step of answer.steps) {
    const unit = step.macs / Number(step.amount) || 0;
    for (const [path, amount] of Object.entries(step.modules)) {
      const macs = amount * unit;
      for (let each = path; ; each = each.split('.').slice(0, -1).join('.')) {
        const here = node(each);
        if (macs < 0) here.missed -= macs; else here.extra += macs;
        if (!each) break;
      }
    }
  }
  return node('');
}

const DEEPEST = 5;
function icicle(/** @type {Shard} */ shard, /** @type {Answer} */ answer) {
  const whole = tree(shard, answer);
  const size = (/** @type {any} */ each) => Math.max(each.reference, each.missed) + each.extra;
  if (!size(whole)) return null;
  const width = 520, high = 30;
  const svg = d3.create('svg').attr('viewBox', [0, 0, width, high * DEEPEST]).attr('role', 'img').attr('aria-label', 'Modules by their work: counted, missed and beyond the reference');
  const draw = (/** @type {any} */ each, /** @type {number} */ left, /** @type {number} */ room, /** @type {number} */ depth) => {
    const total = size(each);
    const counted = Math.max(each.reference - each.missed, 0);
    let top = depth * high;
    const group = svg.append('g');
    for (const [amount, fill] of [[counted, 'var(--line)'], [Math.min(each.missed, total), 'var(--low4)'], [each.extra, 'var(--high4)']]) {
      const tall = (high - 2) * Number(amount) / total;
      if (tall > 0) group.append('rect').attr('x', left).attr('y', top).attr('width', Math.max(room - 1, 0.5)).attr('height', tall).style('fill', fill);
      top += tall;
    }
    group.append('title').text(`${each.path || 'the whole model'}: ${grouped(counted)} MAC counted, ${grouped(each.missed)} missed, ${grouped(each.extra)} beyond the reference`);
    const name = each.path.split('.').pop() || shard.name;
    if (room > 7 * name.length + 6) group.append('text').attr('x', left + 4).attr('y', depth * high + 19).style('font-size', '12px').style('fill', 'currentColor').style('paint-order', 'stroke').style('stroke', 'var(--paper)').style('stroke-width', '3px').text(name);
    if (depth + 1 >= DEEPEST || room < 2) return;
    let place = left;
    for (const child of each.children) {
      const share = room * size(child) / total;
      if (size(child)) draw(child, place, share, depth + 1);
      place += share;
    }
  };
  draw(whole, 0, width, 0);
  return svg.node();
}

function table(/** @type {Answer} */ answer, /** @type {string} */ unit) {
  const line = (/** @type {string} */ term, /** @type {string} */ amount, /** @type {string} */ share, /** @type {any[]} */ notes, kind = '') =>
    make('tr', {class: kind}, make('th', {scope: 'row'}, term, ...notes), make('td', {class: 'num'}, amount), make('td', {class: 'num'}, share));
  const base = Number(answer.reference);
  const rows = [line('reference', grouped(answer.reference || 0), '', [], 'end'),
    ...answer.steps.map(step => line(step.term, signed(step.amount), base ? percent(Number(step.amount) / base) : '', [make('small', {}, step.sentence), places(step)])),
    line('residual', signed(answer.residual || 0), '', [], Number(answer.residual) ? 'loud' : ''),
    line('reading', `${grouped(answer.value || 0)}`, '', [], 'end')];
  const heads = ['Term', unit, 'Of the reference'].map((name, place) => make('th', {scope: 'col', class: place ? 'num' : false}, name));
  return make('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Terms'}, make('table', {class: 'terms'},
    make('caption', {class: 'unseen'}, 'From the reference to the reading'), make('thead', {}, make('tr', {}, heads)), make('tbody', {}, rows)));
}

const FEW = 3;
function places(/** @type {Step} */ step) {
  const modules = Object.entries(step.modules).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  const words = modules.slice(0, FEW).map(([path, amount]) => `${path || 'the root'} ${signed(amount)}`);
  const more = modules.length > FEW ? ` and ${modules.length - FEW} more` : '';
  return words.length ? make('small', {}, `in ${words.join(', ')}${more}`) : '';
}

addEventListener('hashchange', unfold);
unfold();
