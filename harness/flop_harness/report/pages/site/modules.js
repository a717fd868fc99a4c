// The modules of a model by their work, as nested bars; a click on one makes it the whole.

const HIGH = 30, DEEPEST = 5, LETTER = 7;
/** @typedef {any} Module a node of d3's hierarchy: its path, and the MAC that are counted by the reference, missed, extra */

/** @returns {Module} the tree of modules, laid out in a unit square */
function modulesOf(/** @type {Shard} */ shard, /** @type {Answer} */ answer) {
  const paths = new Set(['', ...Object.keys(shard.modules), ...answer.steps.flatMap(step => Object.keys(step.modules))]);
  const tree = d3.stratify().path((/** @type {string} */ path) => `/${path.replaceAll('.', '/')}`)([...paths]);
  const known = new Map(tree.descendants().map((/** @type {Module} */ each) => [each.id.slice(1).replaceAll('/', '.'), each]));
  for (const [path, each] of known) Object.assign(each, {path, reference: shard.modules[path] || 0, missed: 0, extra: 0});
  for (const step of answer.steps) {
    const unit = step.macs / Number(step.amount) || 0;
    for (const [path, amount] of Object.entries(step.modules)) {
      for (const each of known.get(path).ancestors()) each[amount * unit < 0 ? 'missed' : 'extra'] += Math.abs(amount * unit);
    }
  }
  return d3.partition()(tree.eachAfter((/** @type {Module} */ each) => {
    each.value = Math.max(Math.max(each.reference, each.missed) + each.extra, d3.sum(each.children || [], (/** @type {Module} */ child) => child.value));
  }));
}

/** @returns {SVGElement | null} */
function icicle(/** @type {Shard} */ shard, /** @type {Answer} */ answer) {
  const whole = modulesOf(shard, answer);
  if (!whole.value) return null;
  const svg = d3.create('svg').attr('role', 'group').attr('aria-label', 'Modules by their work: counted, missed and beyond the reference');
  const wide = why.clientWidth;
  const draw = (/** @type {Module} */ top) => {
    const x = d3.scaleLinear([top.x0, top.x1], [0, wide]);
    const shown = top.descendants().filter((/** @type {Module} */ each) => each.depth - top.depth < DEEPEST && each.value && x(each.x1) - x(each.x0) > 1.5);
    svg.attr('viewBox', [0, 0, wide, HIGH * (1 + d3.max(shown, (/** @type {Module} */ each) => each.depth - top.depth))]).selectChildren().remove();
    for (const each of shown) {
      const room = x(each.x1) - x(each.x0), back = each === top && each.parent;
      const bar = svg.append('g').attr('transform', `translate(${x(each.x0)} ${HIGH * (each.depth - top.depth)})`);
      const shares = {'var(--line)': Math.max(each.reference - each.missed, 0), 'var(--low4)': each.missed, 'var(--high4)': each.extra};
      const [counted, missed, extra] = Object.values(shares);
      let y = 0;
      for (const [fill, amount] of Object.entries(shares)) {
        const height = (HIGH - 2) * amount / (counted + missed + extra);
        if (height) bar.append('rect').attr('y', y).attr('width', Math.max(room - 1, 0.5)).attr('height', height).style('fill', fill);
        y += height;
      }
      bar.append('title').text(`${each.path || 'the whole model'}: ${grouped(counted)} MAC counted, ${grouped(missed)} missed, ${grouped(extra)} beyond the reference`);
      const name = back ? `‹ ${each.path}` : each.path.split('.').pop() || shard.name, letters = Math.floor((room - 8) / LETTER);
      const end = letters > 8 ? Math.floor(letters / 3) : 0;
      if (letters > 1) bar.append('text').attr('x', 4).attr('y', 19).text(name.length > letters ? `${name.slice(0, letters - 1 - end)}…${name.slice(name.length - end)}` : name);
      if (!back && (each === top || !each.children || room < 12)) continue;
      const go = () => { draw(back || each); svg.select('[tabindex]').node()?.focus(); };
      bar.attr('role', 'button').attr('tabindex', 0).attr('aria-label', `${back ? 'Back from' : 'Into'} ${each.path}`)
        .on('click', go).on('keydown', (/** @type {KeyboardEvent} */ event) => event.key === 'Enter' && go());
    }
  };
  draw(whole);
  return svg.node();
}
