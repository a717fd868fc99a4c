// Whether a figure is what a way of counting says, and the terms between two ways.

/** @type {Record<string, number>} how many FLOPs one is */
const FLOPS = {MAC: 2, FLOP: 1};
const DOUBLING = '2 FLOPs per MAC', HALVING = 'a MAC for 2 FLOPs';
/** What can be turned into one another. */
const kindOf = (/** @type {string} */ unit) => unit in FLOPS ? 'compute' : unit;

const sizeOf = (/** @type {Way} */ way) => Number(way.value) * (FLOPS[way.unit] || 1);
/** @type {(way: Way, other: Way) => string} by how much the one is above the other; a MAC is two FLOPs */
const against = (way, other) => sizeOf(way) === sizeOf(other) ? '='
  : `${signed(Number((100 * (sizeOf(way) / sizeOf(other) - 1)).toPrecision(3)))} %`;
/** @type {(figure: Figure, way: Way) => boolean} by digits alone, whatever the unit is called */
const isMisnamed = (figure, way) => figure.base in FLOPS && way.unit in FLOPS && within(figure, Number(way.value));
/** @type {(figure: Figure, way: Way, units: Units) => boolean} as it stands, or as the tool calls it */
function isOf(figure, way, units) {
  const {base} = figure, value = Number(way.value);
  const called = unitOf(way.label.split(' ')[0], units)?.base;
  if (!base || base === way.unit || base === called) return within(figure, value);
  return base in FLOPS && way.unit in FLOPS && within(figure, value * FLOPS[way.unit] / FLOPS[base]);
}

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
