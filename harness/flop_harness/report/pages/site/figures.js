// Figures as people write them: digits, precision and unit, read as the commands read them.

const FIGURE = new RegExp([
  /^(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)/, /(e[+-]?\d{1,3})?/, /\s*((?:[a-z%万].*)?)$/,
].map(part => part.source).join(''), 'i');

/** @type {(text: string, units: Units) => Unit | null} the unit of such words as GFLOPs or M params */
function unitOf(text, {bases, prefixes}) {
  const words = text.trim().toLowerCase().replace(/\s+/g, '-');
  if (!words || (Object.hasOwn(bases, words) && words !== 'b')) return {base: bases[words] || '', scale: 1};
  const rest = (/** @type {string} */ prefix) => words.slice(prefix.length).replace(/^-+/, '');
  const fits = prefixes.find(([prefix]) =>
    words.startsWith(prefix) && (!rest(prefix) || Object.hasOwn(bases, rest(prefix))));
  return fits ? {base: bases[rest(fits[0])] || '', scale: fits[1]} : null;
}

/** @type {(text: string, units: Units) => Figure | null} rounded or cut off at its last digit */
function printed(text, units) {
  const [, number = '', power = 'e0', words = ''] = text.trim().match(FIGURE) || [];
  const unit = number && unitOf(words, units);
  if (!unit) return null;
  const digits = number.replaceAll(',', ''), exponent = Number(power.slice(1)), value = Number(`${digits}e${exponent}`);
  const step = Number(`1e${exponent - (digits.split('.')[1] || '').length}`);
  const room = Math.max(step, step === 1 ? filled(String(value)) : 0) * (1 + 1e-9);
  const [low, high] = [value - room, value + room].map(end => end * unit.scale);
  return {...unit, value: value * unit.scale, low, high};
}

/** @type {(words: string[], units: Units) => {text: string, figure: Figure | null, rest: string[]}}
 * the first figure among words, with a unit unless it comes first, and the other words */
function leading(words, units) {
  const spans = [...words.keys()].flatMap(at => [3, 2, 1].map(n => ({at, text: words.slice(at, at + n).join(' ')})));
  const {at, text} = spans.find(each => printed(each.text, units) && (!each.at || /[a-z%万]/i.test(each.text)))
    || {at: 0, text: ''};
  return {text, figure: printed(text, units), rest: words.toSpliced(at, text ? text.split(' ').length : 0)};
}

/** @type {(digits: string) => number} what the last zeros of a whole number may stand for */
function filled(digits) {
  const [, kept, zeros] = digits.match(/^(\d*[1-9])(0*)$/) || ['', '', ''];
  const fills = zeros.length >= (kept.length > 1 ? 2 : 3) || (zeros.length > 0 && kept.length > 2);
  return fills ? 10 ** zeros.length / 2 : 0;
}

/** @type {(figure: Figure) => Figure[]} a bare number that counts nothing may be in G, M, T or k too */
function readings(figure) {
  if (figure.base || figure.scale !== 1 || figure.value >= 1e9) return [figure];
  return [1, 1e9, 1e6, 1e12, 1e3].map(scale => (
    {...figure, scale, value: figure.value * scale, low: figure.low * scale, high: figure.high * scale}));
}
/** Whether two figures may be one, by digits alone: many call FLOPs what are MACs. */
const alike = (/** @type {Figure | null} */ a, /** @type {Figure} */ b) => !!a && a.low <= b.high && b.low <= a.high;
const within = (/** @type {Figure} */ {low, high}, /** @type {number} */ value) => low <= value && value <= high;
