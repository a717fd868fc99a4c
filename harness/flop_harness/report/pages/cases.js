// A case unfolds into who agrees on it, its figures by convention and the bridge to each reading.

/** @type {(section: HTMLElement) => Promise<void>} once */
async function fill(section) {
  const data = section.dataset.answers;
  if (!data) return;
  delete section.dataset.answers;
  /** @type {Section} */
  const told = await unpacked(data);
  const tables = told.tables.map(([title, heads, rows]) => tableOf(title, heads, rows));
  section.append(make('p', {}, told.description), ...tables, ...told.answers.map(answer => article(answer, told)));
}
/** @type {(answer: Told, told: Section) => Made} */
function article(answer, told) {
  const {read, counter, loud} = answer, tone = loud ? 'loud' : '';
  return make('article', {id: answer.id, tabindex: -1},
    make('h4', {}, make('a', {href: `#${answer.id}`}, `${answer.case} · ${answer.counter}`), ' ',
      make('span', {class: 'context'}, `${answer.context}, ${answer.metric}`), ' ',
      make('span', {class: `figure ${tone}`}, answer.figure), ' ', make('span', {class: `why ${tone}`}, answer.why)),
    answer.message && make('p', {class: 'message'}, answer.message),
    answer.bridge && bridge(answer.bridge, answer, told),
    answer.modules && make('p', {class: 'note'}, answer.modules),
    answer.off && tableOf('Reported less predicted', ['module', 'difference'], answer.off),
    make('p', {class: 'note'}, `${read}. Again: `, make('code', {}, `${told.again} --counters ${counter}`)),
    answer.code && codeBlock('The code that gives this figure', answer.code.map(at => told.pieces[at]).join('\n')));
}
/** @type {(lines: ToldLine[], of: Told, told: Section) => Made} */
function bridge(lines, of, told) {
  if (!lines.some(line => line.bar)) return make('p', {class: 'note'}, 'Equal to the reference, without a term.');
  const ticks = (of.scale || []).map(([left, share]) => make('span', {style: `left:${left}%`}, share));
  return bridgeOf(['term', 'amount', 'share', ticks], lines.map(line => ({...line,
    notes: [line.sentence, line.where, ...(line.breakdown === undefined ? [] : [modules(line.breakdown, told)])],
    tone: line.loud ? 'loud' : ['reference', 'reading'].includes(line.term) && 'end'})),
    `Terms of ${of.case}, ${of.counter}, ${of.context}, ${of.metric}`);
}
/** @type {(place: number, told: Section) => Made} what each module has of a term; made when it is opened */
function modules(place, {breakdowns, paths}) {
  const pairs = breakdowns[place].flatMap((path, at, all) => at % 2 ? [] : [[Number(path), all[at + 1]]]);
  const words = pairs.length === 1 ? '1 module' : `${grouped(pairs.length)} modules`;
  const made = make('details', {class: 'tree'}, make('summary', {}, words));
  made.addEventListener('toggle', () => made.append(make('ul', {}, pairs.map(([path, amount]) =>
    make('li', {}, make('code', {}, paths[Number(path)] || '(root)'), ' ',
      make('span', {class: 'num'}, grouped(amount)))))), {once: true});
  return made;
}

/** A link to a figure opens its case first: why--compute--vit--thop--cpu_no_grad stands in case--vit. */
async function reveal() {
  const name = decodeURIComponent(location.hash.slice(1)), [, , ...parts] = name.split('--');
  const cases = [name, ...parts.map((_, end) => ['case', ...parts.slice(0, parts.length - end)].join('--'))];
  const section = cases.map(id => document.getElementById(id)).find(Boolean)?.closest('details.case');
  if (!section) return;
  await fill(/** @type {HTMLElement} */ (section));
  Object.assign(section, {hidden: false, open: true});
  reach();
  document.getElementById(name)?.focus({preventScroll: true});
}
document.addEventListener('toggle', ({target}) => fill(/** @type {HTMLElement} */ (target)), true);
addEventListener('hashchange', reveal);
reveal();
