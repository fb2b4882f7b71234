// The part of Markdown that texts on dashboards use, as elements: nothing of the text becomes HTML.
import type {ComponentChildren} from 'preact';

const kInline = /\*\*([^*]+)\*\*|__([^_]+)__|\*([^*]+)\*|`([^`]+)`|!?\[([^\]]*)\]\(([^)\s]+)[^)]*\)|<(https?:\/\/[^>]+)>/g;
const safe = (url: string): string => (/^(https?:|mailto:|\/|#|\.|\?)/i.test(url) ? url : '#');

function inline(text: string): ComponentChildren[] {
  const parts: ComponentChildren[] = [];
  let at = 0;
  for (const match of text.matchAll(kInline)) {
    parts.push(text.slice(at, match.index));
    const [, bold, bold2, italic, code, label, url, plain] = match;
    if (bold ?? bold2) parts.push(<b>{bold ?? bold2}</b>);
    else if (italic) parts.push(<em>{italic}</em>);
    else if (code) parts.push(<code>{code}</code>);
    else if (url) parts.push(<a href={safe(url)}>{label || url}</a>);
    else if (plain) parts.push(<a href={safe(plain)}>{plain}</a>);
    at = match.index + match[0].length;
  }
  parts.push(text.slice(at));
  return parts;
}

export function Markdown({text}: {text: string}) {
  const blocks: ComponentChildren[] = [];
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; i += 1) {
    const line = lines[i];
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    if (line.startsWith('```')) {
      const end = lines.findIndex((other, at) => at > i && other.startsWith('```'));
      blocks.push(<pre>{lines.slice(i + 1, end < 0 ? undefined : end).join('\n')}</pre>);
      i = end < 0 ? lines.length : end;
    } else if (heading) {
      blocks.push(<h3>{inline(heading[2])}</h3>);
    } else if (/^\s*([-*+]|\d+\.)\s+/.test(line)) {
      const items = [];
      while (i < lines.length && /^\s*([-*+]|\d+\.)\s+/.test(lines[i])) items.push(<li>{inline(lines[i++].replace(/^\s*([-*+]|\d+\.)\s+/, ''))}</li>);
      i -= 1;
      blocks.push(<ul>{items}</ul>);
    } else if (line.trim()) {
      const rest = [line];
      while (i + 1 < lines.length && lines[i + 1].trim() && !/^(#|```|\s*([-*+]|\d+\.)\s)/.test(lines[i + 1])) rest.push(lines[++i]);
      blocks.push(<p>{inline(rest.join(' '))}</p>);
    }
  }
  return <div class="markdown">{blocks}</div>;
}

/** HTML of a dashboard is shown as its text: a page that may silence alarms runs nobody's markup. */
export const htmlText = (html: string): string => new DOMParser().parseFromString(html, 'text/html').body.textContent ?? '';
