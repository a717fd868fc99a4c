// Why a counter says what it says of a model: its terms as a waterfall, the modules, the code.

const why = /** @type {HTMLElement} */ (document.getElementById('why'));
/** @typedef {{term: string, amount: Amount, macs: number, share: string, sentence: string, where: string, modules: Record<string, number>}} Step */
/** @typedef {{id: string, counter: string, name: string, version: string, contexts: string[], metric: string, unit: string, value: Amount | null, macs: number | null, apart: string, mark: string, label: string, printed: string, message: string, reference: Amount | null, residual: Amount | null, steps: Step[], code?: number[]}} Answer */
/** @typedef {{name: string, macs: number, params: number, modules: Record<string, number>, answers: Answer[], pieces: string[]}} Shard */

async function unfold() {
  const id = decodeURIComponent(location.hash.slice(1));
  const line = id ? document.querySelector(`.who[href="#${CSS.escape(id)}"]`) : null;
  if (!line) return;
  /** @type {Shard} */
  const shard = await load(`model/${why.dataset.model}`);
  const answer = shard.answers.find(each => each.id === id);
  if (!answer) return;
  for (const row of document.querySelectorAll('.chosen')) row.classList.remove('chosen');
  line.closest('tr')?.classList.add('chosen');
  line.closest('details')?.setAttribute('open', '');
  show(shard, answer);
  why.scrollIntoView({block: 'start'});
}

function show(/** @type {Shard} */ shard, /** @type {Answer} */ answer) {
  const unit = answer.metric === 'params' ? 'parameters' : answer.unit;
  const head = make('h2', {id: 'h-why', tabindex: -1}, `Why ${answer.name} says ${answer.value === null ? 'nothing' : `${grouped(answer.value)} ${unit}`}`);
  const told = answer.printed ? `It prints ${answer.label ? `${answer.label} ` : ''}${answer.printed}. ` : '';
  const where = `Read by ${answer.counter} ${answer.version}, in ${answer.contexts.join(', ')}. ${told}`;
  if (answer.value === null) {
    return why.replaceChildren(head, make('p', {}, `${answer.mark[0].toUpperCase()}${answer.mark.slice(1)}: ${answer.message}`), make('p', {class: 'soft'}, where));
  }
  const apart = answer.apart === '=' ? 'Equal to the reference.' : `${answer.apart} against the reference${answer.unit === 'FLOP' ? ', a MAC being two FLOPs' : ''}.`;
  const parts = [head, make('p', {}, `${apart} ${where}`)];
  if (Number(answer.residual)) parts.push(make('p', {class: 'loud'}, `Not all explained: ${signed(answer.residual || 0)} is left over.`));
  const drawn = answer.metric === 'compute' && answer.steps.length ? icicle(shard, answer) : null;
  const caption = make('figcaption', {}, 'Modules by their work: grey is counted, blue is missed, orange is charged beyond the reference. Choose one to look into it.');
  parts.push(ledger(shard, answer, unit), drawn ? make('figure', {class: 'nested'}, drawn, caption) : '');
  if (answer.code) parts.push(make('details', {class: 'code-of'}, make('summary', {}, 'The code that gives this figure'), codeBlock(answer.code.map(place => shard.pieces[place]).join('\n'))));
  why.replaceChildren(...parts);
}

/** @returns {number[]} distances from the reference after each step */
const levels = (/** @type {Answer} */ answer) => [...d3.cumsum(answer.steps, (/** @type {Step} */ step) => step.macs)];
const word = (/** @type {string} */ name) => document.querySelector(`#words [href$="#word-${name}"]`)?.cloneNode(true) || name;

/** From the reference to the reading, term by term; each bar begins where the one before it ends. */
function ledger(/** @type {Shard} */ shard, /** @type {Answer} */ answer, /** @type {string} */ unit) {
  const shared = shard.answers.filter(each => each.metric === answer.metric);
  const x = d3.scaleLinear(d3.extent([0, ...shared.flatMap(levels)]), [0, 100]).nice(4);
  const ticks = x.ticks(3).map((/** @type {number} */ at) => make('span', {style: `left:${x(at)}%`}, compact(at)));
  const bar = (/** @type {number} */ from, /** @type {number} */ to, /** @type {string} */ kind) => make('td', {class: 'axis', 'aria-hidden': 'true'},
    make('i', {style: `left:${x(0)}%`}), make('u', {class: kind, style: `left:${x(Math.min(from, to))}%;width:${Math.abs(x(to) - x(from))}%`}));
  const line = (/** @type {any} */ term, /** @type {string} */ amount, /** @type {string} */ share, /** @type {any} */ drawn, kind = '') =>
    make('tr', {class: kind}, make('th', {scope: 'row'}, term), make('td', {class: 'num'}, amount), make('td', {class: 'num'}, share), drawn);
  const at = [0, ...levels(answer)], end = at[at.length - 1];
  const terms = answer.steps.map((step, place) => line([step.term, make('small', {}, step.sentence), step.where ? make('small', {}, step.where) : ''], signed(step.amount),
    step.share, bar(at[place], at[place + 1], step.macs < 0 ? 'down' : 'up')));
  const heads = ['Term', unit, 'Of the reference'].map((name, place) => make('th', {scope: 'col', class: place ? 'num' : false}, name));
  return make('div', {}, make('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Terms'}, make('table', {class: 'terms'},
    make('caption', {class: 'unseen'}, 'From the reference to the reading'), make('thead', {}, make('tr', {}, heads, make('th', {scope: 'col', class: 'axis', 'aria-label': 'Distance from the reference'}, ticks))),
    make('tbody', {}, line(word('reference'), grouped(answer.reference || 0), '', bar(0, 0, ''), 'end'), terms,
      line(word('residual'), signed(answer.residual || 0), '', bar(end, end, ''), Number(answer.residual) ? 'loud' : ''),
      line(word('reading'), grouped(answer.value || 0), '', bar(0, end, 'sum'), 'end')))),
  make('p', {class: 'note'}, `The bars are distances from the reference in ${answer.metric === 'params' ? 'parameters' : 'MAC'}. All counters of this model share the scale.`));
}

addEventListener('hashchange', unfold);
unfold();
