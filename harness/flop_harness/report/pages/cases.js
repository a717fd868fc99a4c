// A case unfolds into who agrees on it, its figures by convention and the bridge to each reading.

async function fill(/** @type {HTMLElement} */ section) {
  const data = section.dataset.answers;
  if (!data) return;
  delete section.dataset.answers;
  const told = await unpacked(data);
  section.append(told.description && make('p', {}, told.description),
    ...told.agreed.map(([title, heads, rows]) => plainTable(title, heads, rows)),
    told.figures.length ? plainTable('By convention', ['convention', 'value', 'unit'], told.figures) : '',
    ...told.answers.map(answer => article(answer, told)),
    told.unsupported.length ? plainTable('Operators without a formula', ['operator', 'calls'], told.unsupported) : '');
}
function article(answer, told) {
  const tone = answer.loud ? 'loud' : '';
  const tool = `Read by ${answer.counter} ${answer.version || ''}`.trim();
  const remarks = (answer.remarks || []).map(text => `; ${text}`).join('');
  return make('article', {id: answer.id, tabindex: -1},
    make('h4', {}, make('a', {href: `#${answer.id}`}, `${answer.case} · ${answer.counter}`), ' ',
      make('span', {class: 'context'}, `${answer.context}, ${answer.metric}`), ' ',
      make('span', {class: `figure ${tone}`}, answer.figure), ' ', make('span', {class: `why ${tone}`}, answer.why || '')),
    answer.message ? make('p', {class: 'message'}, answer.message) : '',
    answer.bridge ? bridge(answer.bridge, told, answer.scale) : '',
    answer.modules ? make('p', {class: answer.off ? 'note loud' : 'note'}, `${answer.modules}.`) : '',
    answer.off ? plainTable('Reported less predicted', ['module', 'difference'], answer.off) : '',
    make('p', {class: 'note'}, tool, answer.told ? [', which says ', make('code', {}, answer.told)] : '', remarks,
      '. Again: ', make('code', {}, `${told.again} --counters ${answer.counter}`)),
    answer.code ? make('details', {class: 'example'}, make('summary', {}, 'The code that gives this figure'), codeBlock(answer.code.map(place => told.pieces[place]).join('\n'))) : '');
}
function bridge(lines, told, scale) {
  if (!lines.some(line => line.bar)) return make('p', {class: 'note'}, 'Equal to the reference, with no term on the way.');
  const rows = lines.map(line => {
    const [left, width, bar] = line.bar || [0, 0, ''];
    const places = [['in', line.classes], ['done by', line.operators]].filter(([, names]) => names?.length).map(([word, names]) => `${word} ${names.join(', ')}`);
    const tone = line.loud ? 'loud' : ['reference', 'reading'].includes(line.term) && 'end';
    return make('tr', {class: tone}, make('th', {scope: 'row'}, line.term, [line.sentence, places.join('; ')].filter(Boolean).map(text => make('small', {}, text)),
      line.breakdown === undefined ? '' : modules(told.breakdowns[line.breakdown], told.paths)),
      make('td', SECOND, line.amount), make('td', SECOND, line.share || ''),
      make('td', {class: 'bar', 'aria-hidden': 'true'}, make('i', {class: bar, style: `margin-left:${left}%;width:${width}%`})));
  });
  return scrolled(make('table', {class: 'bridge'}, make('caption', {class: 'unseen'}, 'From the reference to the reading'),
    headed(['term', 'amount', 'share', `waterfall, ${scale} of the reference wide`]), make('tbody', {}, rows)));
}
/** What each module has of a term, in the order of the model; made when it is opened. */
function modules(/** @type {any[]} */ breakdown, /** @type {string[]} */ paths) {
  const lines = [...Array(breakdown.length / 2).keys()].map(place => [paths[breakdown[2 * place]] || '(root)', breakdown[2 * place + 1]]);
  const line = (/** @type {any} */ [path, amount]) => make('li', {}, make('code', {}, path), ' ', make('span', SECOND, grouped(amount)));
  const made = make('details', {class: 'tree'}, make('summary', {}, lines.length === 1 ? '1 module' : `${grouped(lines.length)} modules`));
  made.addEventListener('toggle', () => made.append(make('ul', {}, lines.map(line))), {once: true});
  return made;
}

/** A link to a figure opens its case first: why--compute--vit--thop--cpu_no_grad stands in case--vit. */
async function reveal() {
  const name = decodeURIComponent(location.hash.slice(1));
  const parts = name.split('--').slice(2);
  const cases = [name, ...parts.map((_, count) => ['case', ...parts.slice(0, parts.length - count)].join('--'))];
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
