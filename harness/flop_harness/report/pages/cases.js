// A case unfolds into who agrees on it, its figures by convention and the bridge to each reading.

/** @type {(section: HTMLElement) => Promise<void>} once */
async function fill(section) {
  const data = section.dataset.answers;
  if (!data) return;
  delete section.dataset.answers;
  /** @type {Section} */
  const told = await unpacked(data);
  section.append(make('p', {}, told.description), ...told.agreed.map(([title, heads, rows]) => tableOf(title, heads, rows)),
    told.figures.length ? tableOf('By convention', ['convention', 'value', 'unit'], told.figures) : '',
    ...told.answers.map(answer => article(answer, told)),
    told.unsupported.length ? tableOf('Operators without a formula', ['operator', 'calls'], told.unsupported) : '');
}
/** @type {(answer: Told, told: Section) => Made} */
function article(answer, told) {
  const tone = answer.loud && 'loud', span = (/** @type {string} */ kind, /** @type {Part} */ text) =>
    make('span', {class: `${kind} ${tone || ''}`}, text);
  const note = (/** @type {Part[]} */ ...parts) => parts[0] && make('p', {class: 'note'}, ...parts);
  return make('article', {id: answer.id, tabindex: -1},
    make('h4', {}, make('a', {href: `#${answer.id}`}, `${answer.case} · ${answer.counter}`), ' ',
      span('context', `${answer.context}, ${answer.metric}`), ' ', span('figure', answer.figure), ' ', span('why', answer.why)),
    answer.message && make('p', {class: 'message'}, answer.message),
    answer.bridge && bridge(answer.bridge, told, answer.scale || ''),
    note(answer.modules), answer.off && tableOf('Reported less predicted', ['module', 'difference'], answer.off),
    note(`Read by ${answer.counter} ${answer.version || ''}`, answer.told && [', which says ', make('code', {}, answer.told)],
      ...(answer.remarks || []).map(text => `; ${text}`),
      '. Again: ', make('code', {}, `${told.again} --counters ${answer.counter}`)),
    answer.code && codeBlock('The code that gives this figure', answer.code.map(at => told.pieces[at]).join('\n')));
}
/** @type {(lines: ToldLine[], told: Section, scale: string) => Made} */
function bridge(lines, told, scale) {
  if (!lines.some(line => line.bar)) return make('p', {class: 'note'}, 'Equal to the reference, with no term on the way.');
  const places = (/** @type {ToldLine} */ {classes, operators}) => [classes?.length && `in ${classes.join(', ')}`,
    operators?.length && `done by ${operators.join(', ')}`].filter(Boolean).join('; ');
  return bridgeOf(['term', 'amount', 'share', `waterfall, ${scale} of the reference wide`], lines.map(line => ({...line,
    notes: [line.sentence, places(line), line.breakdown !== undefined && modules(told.breakdowns[line.breakdown], told.paths)],
    tone: line.loud ? 'loud' : ['reference', 'reading'].includes(line.term) && 'end'})));
}
/** @type {(breakdown: Amount[], paths: string[]) => Made} what each module has of a term; made when it is opened */
function modules(breakdown, paths) {
  const lines = breakdown.flatMap((path, at) => at % 2 ? [] : [[paths[Number(path)] || '(root)', breakdown[at + 1]]]);
  const made = make('details', {class: 'tree'}, make('summary', {}, `${lines.length} module${lines.length > 1 ? 's' : ''}`));
  made.addEventListener('toggle', () => made.append(make('ul', {}, lines.map(([path, amount]) =>
    make('li', {}, make('code', {}, path), ' ', make('span', {class: 'num'}, grouped(amount)))))), {once: true});
  return made;
}

/** A link to a figure opens its case first: why--compute--vit--thop--cpu_no_grad stands in case--vit. */
async function reveal() {
  const name = decodeURIComponent(location.hash.slice(1)), [, , ...parts] = name.split('--');
  const cases = [name, ...parts.map((_, end) => ['case', ...parts.slice(0, parts.length - end)].join('--'))];
  const section = cases.map(id => document.getElementById(id)).find(Boolean)?.closest('details.case');
  if (!section) return;
  await fill(/** @type {HTMLElement} */ (section));
  section.removeAttribute('hidden');
  section.setAttribute('open', '');
  reach();
  document.getElementById(name)?.focus({preventScroll: true});
}
for (const section of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('details.case'))) {
  section.addEventListener('toggle', () => fill(section), {once: true});
}
addEventListener('hashchange', reveal);
reveal();
