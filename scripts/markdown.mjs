// Plain GitHub Markdown, as the generated pages are made of it.
const cell = (text) => String(text).replaceAll('|', '\\|').replaceAll('\n', ' ')

export const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(cell).join(' | ')} |`).join('\n')

export const code = (value) => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``

export const fence = (language, text) => `\`\`\`${language}\n${text}\n\`\`\``

export const json = (value) => fence('json', JSON.stringify(value, null, 2))
