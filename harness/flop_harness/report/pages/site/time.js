// Seconds of each model beside a count that one chooses, on logarithmic scales.

const [suite, series, counting] = /** @type {HTMLSelectElement[]} */ (['suite', 'series', 'counting'].map(id => document.getElementById(id)));
const [scatter, below] = /** @type {HTMLElement[]} */ (['scatter', 'dots'].map(id => document.getElementById(id)));
/** @typedef {[string, string, number, number]} Dot case, family, count, milliseconds */
/** @typedef {{name: string, factor: number, interval: number[], points: Dot[], line: [number, number][], far: number[]}} Count */
const options = (/** @type {string[]} */ names) => names.map((name, place) => make('option', {value: place}, name));

async function chosen(/** @type {Event | undefined} */ event) {
  const told = await load(`time/${suite.value}`);
  if (event?.target !== series && event?.target !== counting) series.replaceChildren(...options(told.series.map((/** @type {any} */ each) => each.series)));
  const found = told.series[series.selectedIndex];
  if (!found) return scatter.replaceChildren(make('p', {}, 'Too few models were timed in this suite to say what predicts time.'));
  if (event?.target !== counting) counting.replaceChildren(...options(found.counts.map((/** @type {Count} */ each) => `${each.name} (off by ${each.factor.toPrecision(3)})`)));
  draw(found.counts[counting.selectedIndex], found.overhead);
}
function draw(/** @type {Count} */ {name, factor, interval, points, line, far}, /** @type {string[]} */ overhead) {
  const width = Math.min(1000, scatter.clientWidth), ticks = width > 600 ? 5 : 2, named = far.slice(0, width > 600 ? 6 : 3);
  const middle = Math.sqrt(points.reduce((least, dot) => Math.min(least, dot[2]), Infinity) * points.reduce((most, dot) => Math.max(most, dot[2]), 0));
  scatter.replaceChildren(picture(Plot.plot({
    width, height: Math.min(560, width * 0.62), marginLeft: 56, marginBottom: 44, marginRight: 30, style: {background: 'none', fontSize: '13px'}, ariaLabel: `Milliseconds beside ${name}; the table below has the numbers`,
    x: {type: 'log', label: `${name} →`, tickFormat: compact, grid: true, ticks}, y: {type: 'log', label: '↑ milliseconds', tickFormat: compact, grid: true, ticks},
    marks: [
      Plot.line(line, {stroke: 'var(--soft)', strokeDasharray: '4 3'}),
      Plot.dot(points, {x: '2', y: '3', r: 4, fill: 'var(--link)', fillOpacity: 0.75}),
      ...['start', 'end'].map(textAnchor => Plot.text(named.map(place => points[place]).filter(dot => (dot[2] < middle) === (textAnchor === 'start')), {x: '2', y: '3', text: '0', textAnchor, dy: -10, fill: 'currentColor', stroke: 'var(--paper)', strokeWidth: 3})),
      Plot.tip(points, Plot.pointer({x: '2', y: '3', fill: 'var(--paper)', title: dot => `${dot[0]} (${dot[1]})\n${name}: ${grouped(dot[2])}\n${dot[3].toPrecision(4)} ms`}))],
  })), make('figcaption', {}, `${points.length} models; predictions by ${name} are off by a factor of ${factor.toPrecision(3)} (95 %: ${interval.map(each => each.toPrecision(3)).join(' to ')}) on families that the fit has not seen. The dashed line is a power law through all dots; the ${named.length} farthest from it are named.`,
    overhead.length ? ` Left out, since their time is overhead: ${overhead.join(', ')}.` : ''));
  const row = (/** @type {string} */ tag, /** @type {string[]} */ [first, ...cells]) => make('tr', {}, make('th', {scope: tag === 'th' ? 'col' : 'row'}, first),
    cells.map((text, place) => make(tag, {class: place ? 'num' : false, scope: tag === 'th' && 'col'}, text)));
  const rows = [...points].sort((a, b) => a[3] - b[3]).map(dot => row('td', [dot[0], dot[1], grouped(dot[2]), dot[3].toPrecision(4)]));
  below.replaceChildren(make('details', {class: 'fold'}, make('summary', {}, 'The same as a table'), make('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Models, counts and times'},
    make('table', {}, make('thead', {}, row('th', ['Model', 'Family', name, 'ms'])), make('tbody', {}, rows)))));
}
for (const choice of [suite, series, counting]) choice?.addEventListener('change', chosen);
if (suite) chosen(undefined);
