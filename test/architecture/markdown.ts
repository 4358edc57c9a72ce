// What the checks of the documents read out of Markdown.

/** One fenced block of code. */
export interface CodeBlock {
  readonly language: string;
  readonly text: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
}

/** Every fenced block of a language, or of all where none is named. */
export function codeBlocks(markdown: string, language?: string): readonly CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let open: { readonly language: string; readonly line: number; readonly lines: string[] } | undefined;
  for (const [index, line] of markdown.split('\n').entries()) {
    const fence = /^ *```(\S*)/.exec(line);
    if (open === undefined && fence !== null) open = { language: fence[1] ?? '', line: index + 1, lines: [] };
    else if (open !== undefined && fence !== null) {
      blocks.push({ language: open.language, line: open.line, text: open.lines.join('\n') });
      open = undefined;
    } else open?.lines.push(line);
  }
  return language === undefined ? blocks : blocks.filter((block) => block.language === language);
}

/** The text outside of fenced blocks. */
function prose(markdown: string): string {
  return markdown.replace(/^ *```[\s\S]*?^ *```.*$/gm, '');
}

/** Targets of links and images that are no URLs. */
export function linksOf(markdown: string): readonly string[] {
  const targets = prose(markdown).matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)/g);
  return [...targets].map((match) => match[1] as string).filter((target) => !/^[a-z][a-z0-9+.-]*:/i.test(target));
}

/** What `#...` may name: headings as GitHub makes anchors of them. */
export function headingAnchors(markdown: string): ReadonlySet<string> {
  const headings = prose(markdown).matchAll(/^#{1,6} +(.+)$/gm);
  return new Set([...headings].map((match) => anchorOf(match[1] as string)));
}

function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');
}

/** One mention of our command line: `quarantine list` and the flags that follow. */
export interface Mention {
  readonly command: string;
  readonly flags: readonly string[];
}

const WITH_SUBCOMMANDS = new Set(['quarantine']);

/** Every `celeriac COMMAND ...` in code, fenced or not; in prose only code counts. */
export function mentionedFlags(markdown: string): readonly Mention[] {
  const inline = [...prose(markdown).matchAll(/`([^`\n]+)`/g)].map((match) => match[1] as string);
  const fenced = codeBlocks(markdown).flatMap(({ text }) => text.replaceAll('\\\n', ' ').split('\n'));
  return [...inline, ...fenced].flatMap((line) => {
    const match = /(?:^|[\s"&|(])celeriac ([a-z].*)$/.exec(line.replace(/(^|\s)#.*$/, ''));
    return match === null ? [] : mentionsIn(match[1] as string);
  });
}

/** `list|show` names two. */
function mentionsIn(rest: string): readonly Mention[] {
  const [first = '', second = ''] = rest
    .replace(/[|&;>].*$/, '')
    .trim()
    .split(/\s+/);
  if (!/^[a-z]+$/.test(first)) return [];
  const subcommand = WITH_SUBCOMMANDS.has(first) && /^[a-z]+$/.test(second) ? ` ${second}` : '';
  const quoted = rest.replace(/'[^']*'|"[^"]*"/g, '');
  return [{ command: `${first}${subcommand}`, flags: quoted.match(/(?<=\s)--?[a-zA-Z][\w-]*/g) ?? [] }];
}
