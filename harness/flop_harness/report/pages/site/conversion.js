// Whether a figure is what a way of counting says, and the terms between two ways.

/** @type {Record<string, number>} how many FLOPs one is */
const FLOPS = {MAC: 2, FLOP: 1}, DOUBLING = '2 FLOPs per MAC', HALVING = 'a MAC for 2 FLOPs';
/** What can be turned into one another. */
const kindOf = (/** @type {string} */ unit) => unit in FLOPS ? 'compute' : unit;

const sizeOf = (/** @type {Way} */ way) => Number(way.value) * (FLOPS[way.unit] || 1);
/** @type {(way: Way, other: Way) => string} by how much the one is above the other; a MAC is two FLOPs */
const against = (way, other) => sizeOf(way) === sizeOf(other) ? '='
  : `${signed(Number((100 * (sizeOf(way) / sizeOf(other) - 1)).toPrecision(3)))} %`;
/** @type {(base: string, way: Way, units: Units) => [string, number][]} the figure as it stands, or as the tool calls
 * it; MACs called FLOPs */
function valuesIn(base, way, units) {
  const value = Number(way.value), swapped = base in FLOPS && way.unit in FLOPS;
  if (!base || base === way.unit || base === unitOf(way.label.split(' ')[0], units)?.base) return [['', value]];
  return swapped ? [['', value * FLOPS[way.unit] / FLOPS[base]], [`${way.unit}s called ${base}s`, value]] : [];
}
/** @type {(figure: Figure, ways: Way[], units: Units) => Fit[]} what a figure may be, as the command ranks it */
const fitting = (figure, ways, units) => readings(figure).flatMap(span => [0, 1].flatMap(at => ways.flatMap(way => {
  const [called, value] = valuesIn(figure.base, way, units)[at] || ['', NaN];
  return within(span, value) ? [{way, how: [called, span.how].filter(Boolean).join(', ')}] : [];
})));

/** @type {(a: Amount, b: Amount) => Amount} */
const less = (a, b) => typeof a === 'string' || typeof b === 'string' ? String(BigInt(a) - BigInt(b)) : a - b;

/** @type {(source: Way, target: Way) => [string, Amount][]} the largest first; the unit is a term
 * of the tools that count FLOPs, and of our convention where it stands beside one of them */
function between(source, target) {
  const isTerm = [source, target].some(way => way.unit === 'FLOP' && way.tool !== 'flops');
  const [up, down] = ['MACFLOP', 'FLOPMAC'].map(units => !isTerm && source.unit + target.unit === units);
  /** @type {(way: Way, doubled: boolean) => Terms} */
  const termsIn = ({tool, value, terms}, doubled) => new Map(isTerm && tool === 'flops'
    ? [[DOUBLING, Number(value) / 2]]
    : (terms || []).map(([term, amount]) => [term, doubled ? less(amount, less(0, amount)) : amount]));
  const before = termsIn(source, up), after = termsIn(target, down);
  /** @type {[string, Amount][]} */
  const terms = [...new Set([...before.keys(), ...after.keys()])]
    .map(term => [term, less(after.get(term) || 0, before.get(term) || 0)]);
  const size = (/** @type {[string, Amount]} */ [, amount]) => Math.abs(Number(amount));
  const sorted = terms.filter(size).sort((a, b) => size(b) - size(a));
  return up ? [[DOUBLING, source.value], ...sorted] : down ? [[HALVING, less(0, target.value)], ...sorted] : sorted;
}
