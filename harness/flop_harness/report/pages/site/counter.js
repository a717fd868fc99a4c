// @ts-check
// The releases of a counter: each case's figure as a multiple of the reference, on one scale.

const chart = /** @type {HTMLElement} */ (document.getElementById('chart'));
/** @typedef {{place: number, release: string, case: string, ratio: number}} Point */

load(`counter/${chart.dataset.counter}`).then(({points, versions}) => {
  if (!points.length) return;
  const days = new Map(versions);
  const dated = points.filter((/** @type {Point} */ point) => days.get(point.release));
  const timed = 2 * dated.length > points.length;
  const shown = (timed ? dated : points).filter((/** @type {Point} */ point) => point.ratio > 0);
  const x = (/** @type {Point} */ point) => timed ? new Date(days.get(point.release)) : point.place;
  const cases = [...new Set(points.map((/** @type {Point} */ point) => point.case))];
  const names = versions.map((/** @type {string[]} */ [name]) => name);
  const width = Math.min(1100, chart.clientWidth);
  chart.append(picture(Plot.plot({
    width, height: 78 * cases.length + 60, marginLeft: 50, marginRight: 120, marginTop: 26, style: {background: 'none', fontSize: '12px'},
    ariaLabel: 'Figure divided by the reference, release by release; the table below says what changed',
    x: timed ? {type: 'utc', label: null} : {label: null, ticks: [0, 1, 2, 3, 4].map(part => Math.round(part * (names.length - 1) / 4)), tickFormat: (/** @type {number} */ place) => names[place] ?? ''},
    y: {type: 'log', label: null, tickSize: 0, ticks: 3, tickFormat: d3.format('~g'), grid: true}, fy: {label: null, domain: cases, axis: null},
    marks: [Plot.ruleY([1], {stroke: 'currentColor', strokeOpacity: 0.5}),
      Plot.line(shown, {x, y: 'ratio', fy: 'case', z: 'case', curve: 'step-after', stroke: 'var(--link)', strokeWidth: 1.5}),
      Plot.dot(shown, {x, y: 'ratio', fy: 'case', r: 2, fill: 'var(--link)', title: point => `${point.release} ${days.get(point.release)}\n${point.case}: ${point.ratio.toPrecision(6)} times the reference`}),
      Plot.text(cases, {fy: name => name, frameAnchor: 'right', textAnchor: 'start', text: name => name, dx: 8, fontWeight: 600, fill: 'currentColor'})],
  })), make('figcaption', {}, `Figure / reference of ${cases.length} small models, on one logarithmic scale. A figure of 0 is not drawn${timed ? ', nor a release whose version tells no day' : ''}.`));
});
