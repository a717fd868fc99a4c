// @ts-check
// Seconds of each model beside a count that one chooses, on logarithmic scales.

const [suite, series, counting] = ['suite', 'series', 'counting'].map(id => /** @type {HTMLSelectElement} */ (document.getElementById(id)));
const scatter = /** @type {HTMLElement} */ (document.getElementById('scatter'));
/** @typedef {[string, string, number, number]} Dot case, family, count, seconds */

async function chosenSuite() {
  const told = await load(`time/${suite.value}`);
  series.replaceChildren(...told.series.map((/** @type {any} */ each, /** @type {number} */ place) => make('option', {value: place}, each.series)));
  chosenSeries(told);
}
function chosenSeries(/** @type {any} */ told) {
  const found = told.series[series.selectedIndex];
  counting.replaceChildren(...(found ? found.counts.map((/** @type {any} */ each, /** @type {number} */ place) => make('option', {value: place}, `${each.name} (off by ${each.factor.toPrecision(3)})`)) : []));
  draw(told);
}
function draw(/** @type {any} */ told) {
  const found = told.series[series.selectedIndex];
  if (!found) return scatter.replaceChildren(make('p', {}, 'Too few models were timed in this suite to say what predicts time.'));
  const count = found.counts[counting.selectedIndex];
  const dots = /** @type {Dot[]} */ (count.points);
  const log = dots.map(dot => [Math.log(dot[2]), Math.log(dot[3])]);
  const mean = (/** @type {number} */ place) => log.reduce((sum, pair) => sum + pair[place], 0) / log.length;
  const [x, y] = [mean(0), mean(1)];
  const slope = log.reduce((sum, pair) => sum + (pair[0] - x) * (pair[1] - y), 0) / log.reduce((sum, pair) => sum + (pair[0] - x) ** 2, 0);
  const ends = [Math.min(...log.map(pair => pair[0])), Math.max(...log.map(pair => pair[0]))].map(at => [Math.exp(at), 1e3 * Math.exp(y + slope * (at - x))]);
  const far = [...dots].sort((a, b) => Math.abs(Math.log(b[3]) - y - slope * (Math.log(b[2]) - x)) - Math.abs(Math.log(a[3]) - y - slope * (Math.log(a[2]) - x))).slice(0, 6);
  const width = Math.min(1000, scatter.clientWidth), ticks = width > 600 ? 5 : 2;
  const plot = picture(Plot.plot({
    width, height: Math.min(560, width * 0.62), marginLeft: 56, marginBottom: 44, marginRight: 30, style: {background: 'none', fontSize: '13px'}, ariaLabel: `Seconds beside ${count.name}; the table below has the numbers`,
    x: {type: 'log', label: `${count.name} →`, tickFormat: compact, grid: true, ticks}, y: {type: 'log', label: '↑ milliseconds', tickFormat: compact, grid: true, ticks},
    marks: [
      Plot.line(ends, {stroke: 'var(--soft)', strokeDasharray: '4 3'}),
      Plot.dot(dots, {x: '2', y: dot => 1e3 * dot[3], r: 4, fill: 'var(--link)', fillOpacity: 0.75, title: dot => `${dot[0]} (${dot[1]})\n${grouped(dot[2])}\n${(1e3 * dot[3]).toPrecision(4)} ms`}),
      Plot.text(far, {x: '2', y: dot => 1e3 * dot[3], text: '0', dy: -10, fill: 'currentColor', stroke: 'var(--paper)', strokeWidth: 3})],
  }));
  const low = count.interval.map((/** @type {number} */ each) => each.toPrecision(3)).join(' to ');
  scatter.replaceChildren(plot, make('figcaption', {}, `${dots.length} models; predictions by ${count.name} are off by a factor of ${count.factor.toPrecision(3)} (95 %: ${low}) on families that the fit has not seen. The dashed line is a power law through all dots; the six farthest from it are named.`,
    found.overhead.length ? ` Left out, since their time is overhead: ${found.overhead.join(', ')}.` : ''));
  const rows = [...dots].sort((a, b) => a[3] - b[3]).map(dot => make('tr', {}, make('th', {scope: 'row'}, dot[0]), ...[dot[1], grouped(dot[2]), (1e3 * dot[3]).toPrecision(4)].map((text, place) => make('td', {class: place ? 'num' : false}, text))));
  document.getElementById('dots')?.replaceChildren(make('details', {class: 'fold'}, make('summary', {}, 'The same as a table'), make('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Models, counts and times'}, make('table', {}, make('thead', {}, make('tr', {}, ['Model', 'Family', count.name, 'ms'].map((text, place) => make('th', {scope: 'col', class: place > 1 ? 'num' : false}, text)))), make('tbody', {}, rows)))));
}
if (suite) {
  suite.addEventListener('change', chosenSuite);
  series.addEventListener('change', () => load(`time/${suite.value}`).then(chosenSeries));
  counting.addEventListener('change', () => load(`time/${suite.value}`).then(draw));
  chosenSuite();
}
