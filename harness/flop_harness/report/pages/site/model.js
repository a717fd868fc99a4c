// Why a counter says what it says of a model: its terms as a waterfall, the modules, the code.

const why = /** @type {HTMLElement} */ (document.getElementById('why'));

async function unfold() {
  const model = await load(`model/${why.dataset.model}`), asked = decodeURIComponent(location.hash.slice(1));
  const [own, farthest] = [asked, why.dataset.farthest].map(id => model.answers.find(each => each.id === id));
  const answer = own || farthest;
  if (!answer) return;
  const line = document.querySelector(`.who[href="#${CSS.escape(answer.id)}"]`);
  for (const row of document.querySelectorAll('.strip tr')) row.classList.toggle('chosen', row.contains(line));
  line?.closest('details')?.setAttribute('open', '');
  why.replaceChildren(...reasons(model, answer));
  if (own) why.scrollIntoView({block: 'start'});
}
/** @type {(model: Model, answer: Answer) => Made[]} */
function reasons(model, answer) {
  const {metric, residual, code, steps} = answer, unit = metric === 'params' ? 'parameters' : answer.unit;
  const said = answer.value === null ? 'nothing' : `${grouped(answer.value)} ${unit}`;
  const head = make('h2', {id: 'h-why', tabindex: -1}, `Why ${answer.name} says ${said}`);
  if (answer.value === null) return [head, make('p', {}, answer.apart), make('p', {class: 'soft'}, answer.read)];
  return [head, make('p', {}, `${answer.apart} ${answer.read}`),
    Number(residual) ? make('p', {class: 'loud'}, `Not all explained: ${signed(residual || 0)} is left over.`) : '',
    bridgeOf(...waterfall(model, answer, unit)),
    make('p', {class: 'note'}, `The bars are distances from the reference in ${metric === 'params' ? unit : 'MAC'}. `
      + 'All counters of this model share the scale.'),
    metric === 'compute' && steps.length ? icicle(model, answer) : '',
    code ? codeBlock('The code that gives this figure', code.map(at => model.pieces[at]).join('\n')) : ''];
}

/** Distances from the reference after each step. */
const levels = (/** @type {Answer} */ {steps}) => [...d3.cumsum(steps, step => step.macs)];
/** A word of the glossary, with its meaning. */
const word = (/** @type {string} */ name) =>
  document.querySelector(`#words [href$="#word-${name}"]`)?.cloneNode(true) || name;

/** @type {(model: Model, answer: Answer, unit: string) => [Heads, Line[]]}
 * heads and lines; a reference in MAC may lead to FLOPs; each bar begins where the one before it ends */
function waterfall(model, answer, unit) {
  const shared = model.answers.filter(each => each.metric === answer.metric).flatMap(levels);
  const x = d3.scaleLinear(d3.extent([0, ...shared]), [0, 100]);
  const ticks = x.ticks(3).map(tick => make('span', {style: `left:${x(tick)}%`, class: !tick && 'one'}, compact(tick)));
  /** @type {(from: number, to: number, tone: string) => [number, number, string]} */
  const bar = (from, to, tone) => [x(Math.min(from, to)), Math.abs(x(to) - x(from)), tone];
  const at = [0, ...levels(answer)], end = at[at.length - 1], gap = answer.residual || 0;
  const [head, from, to] = unit === 'FLOP' ? ['Amount', 'in MAC', 'in FLOP'] : [unit];
  return [['Term', head, 'Of the reference', ticks], [
    {term: word('reference'), notes: [from], amount: grouped(answer.reference || 0), bar: bar(0, 0, ''), tone: 'end'},
    ...answer.steps.map(({term, sentence, where, amount, share, macs}, step) => ({term, notes: [sentence, where],
      amount: signed(amount), share, bar: bar(at[step], at[step + 1], macs < 0 ? 'down' : 'up')})),
    {term: word('residual'), amount: signed(gap), bar: bar(end, end, ''), tone: Number(gap) ? 'loud' : ''},
    {term: word('reading'), notes: [to], amount: grouped(answer.value || 0), bar: bar(0, end, 'sum'), tone: 'end'}]];
}
if (matchMedia('(max-width: 50rem)').matches) document.getElementById('reproduced')?.removeAttribute('open');
addEventListener('hashchange', unfold);
unfold();
