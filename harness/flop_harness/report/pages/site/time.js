// Seconds of each model beside a count that one chooses, on logarithmic scales.

const [suite, series, counting, leads, scatter, dots] = byId('suite', 'series', 'counting', 'leads', 'scatter', 'dots');
const option = (/** @type {string} */ name) => make('option', {}, name);
/** @type {(counts: Count[]) => Made[]} */
const options = counts => [...Map.groupBy(counts, each => each.group)]
  .map(([label, alike]) => make('optgroup', {label}, alike.map(each => option(each.title))));

/** @type {(event?: Event) => Promise<void>} */
async function chosen(event) {
  const told = await load(`time/${suite.value}`), menu = event?.target;
  for (const each of leads.children) each.toggleAttribute('hidden', each.id !== `of-${suite.value}`);
  if (menu !== series && menu !== counting) series.replaceChildren(...told.series.map(each => option(each.series)));
  const found = told.series[series.selectedIndex];
  if (menu !== counting) counting.replaceChildren(...options(found.counts));
  const count = found.counts[counting.selectedIndex];
  scatter.replaceChildren(chart(count), make('figcaption', {}, count.caption));
  const rows = count.points.toSorted((a, b) => a[3] - b[3])
    .map(([name, family, value, time]) => [name, family, grouped(value), time.toPrecision(4)]);
  dots.replaceChildren(make('details', {class: 'fold'}, make('summary', {}, 'The same as a table'),
    tableOf('Models, counts and times', ['Model', 'Family', count.name, 'ms'], rows, [2, 3])));
}

/** @type {(count: Count) => Made} the table below has the numbers */
function chart({name, points, line, far}) {
  const width = Math.min(1000, scatter.clientWidth), height = Math.min(560, Math.max(340, width * 0.62));
  const axis = {type: 'log', tickFormat: compact, grid: true, ticks: width > 600 ? 3 : 2};
  const middle = Math.sqrt(line[0][0] * line[1][0]), named = far[width > 600 ? 0 : 1].map(at => points[at]);
  const names = ['start', 'end'].map(textAnchor => Plot.text(  // towards the middle
    named.filter(dot => (dot[2] < middle) === (textAnchor === 'start')),
    {x: '2', y: '3', text: '0', textAnchor, dy: -10, fill: 'currentColor', stroke: 'var(--paper)', strokeWidth: 3}));
  const told = (/** @type {Dot} */ [model, family, value, time]) =>
    `${model} (${family})\n${name}: ${grouped(value)}\n${time.toPrecision(4)} ms`;
  const made = Plot.plot({width, height, marginLeft: 56, marginBottom: 44, inset: 12,
    style: {background: 'none', fontSize: '13px'},
    x: {...axis, label: `${name} →`}, y: {...axis, label: '↑ milliseconds'},
    marks: [Plot.line(line, {stroke: 'var(--soft)', strokeDasharray: '4 3'}),
      Plot.dot(points, {x: '2', y: '3', r: 4, fill: 'var(--link)', fillOpacity: 0.75}), ...names,
      Plot.tip(points, Plot.pointer({x: '2', y: '3', fill: 'var(--paper)', title: told}))]});
  return make('div', {role: 'img', 'aria-label': `Milliseconds beside ${name}; the table below has the numbers`},
    make('div', {'aria-hidden': 'true'}, made));
}
for (const choice of [suite, series, counting]) choice?.addEventListener('change', chosen);
if (suite) chosen();
