// Figures as people write them: digits, precision and unit, read as the commands read them.

const FIGURE = /^(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(e[+-]?\d{1,3})?\s*((?:[a-z%万].*)?)$/i;
/** The last zeros of a whole number, where they may stand for other digits. */
const ZEROS = /(?<=^[1-9])0{3,}$|(?<=^\d[1-9])0{2,}$|(?<=^\d{2,}[1-9])0+$/;

/** @type {(text: string, units: Units) => Unit | null} the unit of such words as GFLOPs or M params */
function unitOf(text, {bases, prefixes}) {
  const words = text.trim().toLowerCase().replace(/\s+/g, '-');
  const rest = (/** @type {string} */ prefix) => words.slice(prefix.length).replace(/^-+/, '');
  const fits = prefixes.find(([each]) => words.startsWith(each) && Object.hasOwn(bases, rest(each)));
  return fits ? {base: bases[rest(fits[0])], scale: fits[1], binary: fits[2]} : null;
}

/** @type {(text: string, units: Units) => Figure | null} the ways in which it may have been printed, the usual first */
function printed(text, units) {
  const [, number = '', power = 'e0', words = ''] = text.trim().match(FIGURE) || [];
  const unit = number && unitOf(words, units);
  if (!unit) return null;
  const digits = number.replaceAll(',', ''), exponent = Number(power.slice(1)), value = Number(`${digits}e${exponent}`);
  const step = Number(`1e${exponent - (digits.split('.')[1] || '').length}`);
  const kept = digits.replace(/^[0.]+|\./g, '').length, zeros = step === 1 && ZEROS.exec(String(value));
  const half = step / 2 * (1 + 1e-9), filled = zeros ? 10 ** zeros[0].length / 2 : 0, most = step * (1 - 1e-9);
  const ends = [['', half, half], ['', filled, filled], ['cut off', 0, most], ['rounded up', most, 0]];
  const ranges = /** @type {[string, number, number][]} */ (value ? ends.slice(0, kept > 2 ? 4 : 3) : [['', 0, 0]])
    .map(([how, below, above]) => ({how, low: value - below, high: value + above}));
  return {...unit, value: value * unit.scale, ranges};
}

/** @type {(words: string[], units: Units) => {text: string, figure: Figure | null, rest: string[]}}
 * the first figure among words, with a unit unless it comes first, and the other words */
function leading(words, units) {
  const spans = [...words.keys()].flatMap(at => [3, 2, 1].map(n => ({at, text: words.slice(at, at + n).join(' ')})));
  const {at, text} = spans.find(each => printed(each.text, units) && (!each.at || /[a-z%万]/i.test(each.text)))
    || {at: 0, text: ''};
  return {text, figure: printed(text, units), rest: words.toSpliced(at, text ? text.split(' ').length : 0)};
}

/** @type {(figure: Figure) => Span[]} what it may stand for, the plainest first: a bare number that counts nothing
 * may be in G, M, T or k too; prefixes in powers of two come last */
function readings({base, scale, binary, ranges, value}) {
  const scales = base || scale !== 1 || value >= 1e9 ? [scale] : [1, 1e9, 1e6, 1e12, 1e3];
  const power = `its prefix stands for 2^${Math.log2(binary || 1)}`;
  return [scales, binary ? [binary] : []].flatMap(some => ranges.flatMap(({how, low, high}) => some.map(by => (
    {low: low * by, high: high * by, how: [how, by === binary && power].filter(Boolean).join(', ')}))));
}
const within = (/** @type {Span} */ {low, high}, /** @type {number} */ value) => low <= value && value <= high;
