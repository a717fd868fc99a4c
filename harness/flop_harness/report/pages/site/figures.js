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
  const digits = number.replaceAll(',', ''), exponent = Number(power.slice(1));
  const value = Number(`${digits}e${exponent}`);
  const step = Number(`1e${exponent - (digits.split('.')[1] || '').length}`);
  const room = Math.max(step, step === 1 ? filled(String(value)) : 0) * (1 + 1e-9);
  const [low, high] = [value - room, value + room].map(end => end * unit.scale);
  return {...unit, value: value * unit.scale, low, high};
}

/** @type {(words: string[], units: Units) => {text: string, figure: Figure | null, rest: string[]}} what comes first */
function leading(words, units) {
  const size = [3, 2, 1].find(count => printed(words.slice(0, count).join(' '), units)) || 0;
  const text = words.slice(0, size).join(' ');
  return {text, figure: printed(text, units), rest: words.slice(size)};
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
const within = (/** @type {Figure} */ {low, high}, /** @type {number} */ value) => low <= value && value <= high;
