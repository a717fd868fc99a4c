// Whether a figure is what a way of counting says, and the terms between two ways.

/** @typedef {{tool: string, name: string, id: string, value: Amount, unit: string, label: string, terms: Map<string, Amount> | null}} Way */
const FLOPS = /** @type {Record<string, number>} */ ({MAC: 2, FLOP: 1});
const DOUBLING = '2 FLOPs per MAC';
const kindOf = (/** @type {string} */ unit) => unit in FLOPS ? 'compute' : unit;

/** @returns {boolean} whether a figure is what a way says, as it stands; a MAC is two FLOPs, or what the tool calls so */
function isOf(/** @type {Figure} */ figure, /** @type {Way} */ way, /** @type {Units} */ units) {
  const {base} = figure;
  if (!base || base === way.unit || base === unitOf(way.label.split(' ')[0], units)?.base) return within(figure, Number(way.value));
  return base in FLOPS && way.unit in FLOPS && within(figure, Number(way.value) * FLOPS[way.unit] / FLOPS[base]);
}
const isMisnamed = (/** @type {Figure} */ figure, /** @type {Way} */ way) => figure.base in FLOPS && way.unit in FLOPS && within(figure, Number(way.value));

const less = (/** @type {Amount} */ a, /** @type {Amount} */ b) => typeof a === 'string' || typeof b === 'string' ? String(BigInt(a) - BigInt(b)) : a - b;
/** @returns {[string, Amount][]} the terms that lead from one figure to the other, the largest first; the unit is one of them */
function between(/** @type {Way} */ source, /** @type {Way} */ target) {
  const apart = [source, target].some(way => way.unit === 'FLOP' && way.tool !== 'flops');
  const [before, after] = [source, target].map(way => apart && way.tool === 'flops' ? new Map([[DOUBLING, Number(way.value) / 2]]) : way.terms || new Map());
  const [up, down] = [['MAC', 'FLOP'], ['FLOP', 'MAC']].map(([from, to]) => !apart && source.unit === from && target.unit === to);
  const of = (/** @type {Map<string, Amount>} */ terms, /** @type {string} */ term, /** @type {boolean} */ twice) => twice ? less(terms.get(term) || 0, less(0, terms.get(term) || 0)) : terms.get(term) || 0;
  const terms = [...new Set([...before.keys(), ...after.keys()])].map(term => /** @type {[string, Amount]} */ ([term, less(of(after, term, down), of(before, term, up))]))
    .filter(([, amount]) => Number(amount)).sort((a, b) => Math.abs(Number(b[1])) - Math.abs(Number(a[1])));
  return up ? [[DOUBLING, source.value], ...terms] : down ? [['a MAC for 2 FLOPs', less(0, target.value)], ...terms] : terms;
}
