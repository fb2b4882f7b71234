// Making elements. Text always goes in as text, never as HTML.

export const $ = (id) => document.getElementById(id);

/** h('td.number', {title: 'x'}, 'text', child…): a tag with classes, properties and children. */
export function h(tag, properties = {}, ...children) {
  const [name, ...classes] = tag.split('.');
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(' ');
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith('aria-') || key === 'role' || key === 'scope') element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

/** A table. columns: [{title, number}]; rows: [{cells: [text or node], class}]. */
export function table(columns, rows, caption) {
  const of = (column) => (column.number ? '.number' : column.nowrap ? '.nowrap' : '');
  return h('table', {},
    caption && h('caption', {}, caption),
    h('thead', {}, h('tr', {}, ...columns.map((c) => h(`th${of(c)}`, {scope: 'col'}, c.title)))),
    h('tbody', {}, ...rows.map((row) => h('tr', {className: row.class ?? ''},
      ...row.cells.map((cell, i) => h(`td${of(columns[i])}`, {}, cell ?? '–'))))));
}
