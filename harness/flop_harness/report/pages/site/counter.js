// The releases of a counter: each case's figure as a multiple of the reference, on one scale.

const chart = /** @type {HTMLElement} */ (document.getElementById('chart'));
/** @typedef {{place: number, release: string, day: string, case: string, ratio: number | null}} Point a ratio of null is a figure of 0 */

load(`counter/${chart.dataset.counter}`).then((/** @type {{points: Point[], dated: boolean, versions: string[]}} */ {points, dated, versions}) => {
  if (!points.some(point => point.ratio)) return;
  const x = (/** @type {Point} */ point) => dated ? new Date(point.day) : point.place;
  const cases = [...new Set(points.map(point => point.case))];
  chart.append(picture(Plot.plot({
    width: Math.min(1100, chart.clientWidth), height: 78 * cases.length + 70, marginLeft: 50, marginRight: 120, marginTop: 26, marginBottom: 40, style: {background: 'none', fontSize: '12px'},
    ariaLabel: 'Figure divided by the reference, release by release; the table below says what changed',
    x: dated ? {type: 'utc', label: null} : {label: null, ticks: [0, 1, 2, 3, 4].map(part => Math.round(part * (versions.length - 1) / 4)), tickFormat: (/** @type {number} */ place) => versions[place] ?? ''},
    y: {type: 'log', label: null, tickSize: 0, ticks: 3, tickFormat: d3.format('~g'), grid: true}, fy: {label: null, domain: cases, axis: null},
    marks: [Plot.ruleY([1], {stroke: 'currentColor', strokeOpacity: 0.5}),
      Plot.line(points, {x, y: 'ratio', fy: 'case', z: 'case', curve: 'step-after', stroke: 'var(--link)', strokeWidth: 1.5}),
      Plot.dot(points, {x, y: 'ratio', fy: 'case', r: 2, fill: 'var(--link)'}),
      Plot.text(cases, {fy: name => name, frameAnchor: 'right', textAnchor: 'start', text: name => name, dx: 8, fontWeight: 600, fill: 'currentColor'}),
      Plot.tip(points, Plot.pointer({x, y: 'ratio', fy: 'case', fill: 'var(--paper)', title: point => `${point.release} ${point.day}\n${point.case}: ${point.ratio?.toPrecision(6)} times the reference`}))],
  })), make('figcaption', {}, `Figure / reference of ${cases.length} small models, on one logarithmic scale. A line ends where the figure is 0.${dated ? ' A release whose day is not known is not drawn.' : ''}`));
});
