import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { createDocs, type Docs } from './docs.ts'

const repository = fileURLToPath(new URL('../../..', import.meta.url))

/** A repository of its own, with these files. */
const makeRepository = async (files: Record<string, string>) => {
  const root = await mkdtemp(join(tmpdir(), 'dialtone-docs-'))
  const write = async (file: string, text: string) => {
    await mkdir(dirname(join(root, file)), { recursive: true })
    await writeFile(join(root, file), text)
  }
  for (const [file, text] of Object.entries(files)) await write(file, text)
  return { root, write, [Symbol.asyncDispose]: () => rm(root, { recursive: true }) }
}

/** As a browser asks: without the anchor, and with the path decoded below /docs. */
const visit = async (docs: Docs, url: string) => {
  const { pathname } = new URL(url, 'http://docs')
  const reply = await docs.open(pathname, decodeURIComponent(pathname.replace(/^\/docs\/?/, '')))
  return { ...reply, text: reply.body.toString() }
}

/** What stands between the marks of <article>. */
const articleOf = async (docs: Docs, path: string) =>
  /<article>(.*)<\/article>/s.exec((await visit(docs, `/docs/${path}`)).text)?.[1] ?? ''

const render = async (source: string, others: Record<string, string> = {}) => {
  await using made = await makeRepository({ 'docs/guides/page.md': source, ...others })
  return await articleOf(createDocs({ root: made.root, watches: false }), 'guides/page')
}

describe('a page of the documentation', () => {
  it('has tables and code that scroll by themselves', async () => {
    const article = await render('# A\n\n| b | c |\n| - | - |\n| `d` | e |\n\n```js\nif (1 < 2) go()\n```\n')

    expect(article).toContain('<div class="table" role="region" aria-label="Table" tabindex="0"><table>')
    expect(article).toContain('<td><code>d</code></td>')
    expect(article).toContain('<pre tabindex="0"><code>if (1 &lt; 2) go()\n</code></pre>')
  })

  it('gives headings the anchors that GitHub gives them', async () => {
    const article = await render(
      '# A\n\n## `passcode_incorrect`\n\n## What is, and isn’t?\n\n## Same\n\n## Same\n',
    )

    const anchors = [...article.matchAll(/<h2 id="([^"]*)">/g)].map(([, id]) => id)
    expect(anchors).toEqual(['passcode_incorrect', 'what-is-and-isnt', 'same', 'same-1'])
    expect(article).toContain('href="#same-1" aria-label="Link to this section"')
  })

  it('shows the HTML of a source as text, and drops the comment of a generated page', async () => {
    const article = await render(
      '<!-- Generated. -->\n\n# A\n\n<script>alert(1)</script>\n\n![x"><b>](y.png)\n\n[x](javascript:alert(1))\n',
    )

    expect(article).not.toContain('Generated')
    expect(article).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(article).not.toMatch(/<script|<b>|href="javascript/)
  })

  it('leads links to the pages of the files that they name', async () => {
    const article = await render(
      '# A\n\n[b](../reference/sdk/b.md#there) [c](../reference/sdk/README.md) [d](../README.md) [e](../../README.md#run) [f](#a) [g](https://example.com/x.md) [h](h.json)\n\n![i](../images/i.png)\n',
      {
        'docs/README.md': '# Overview',
        'docs/reference/sdk/README.md': '# Calls',
        'docs/reference/sdk/b.md': '# B',
        'docs/guides/h.json': '{}',
        'docs/images/i.png': 'png',
        'README.md': '# Run it',
      },
    )

    expect([...article.matchAll(/<(?:a href|img src)="([^"]*)"/g)].map(([, address]) => address)).toEqual([
      '../reference/sdk/b#there',
      '../reference/sdk',
      '../../docs',
      '../README#run',
      '#a',
      'https://example.com/x.md',
      'h.json',
      '../images/i.png',
    ])
  })

  it('says which file is meant where a link names one that has no page', async () => {
    const article = await render('# A\n\n[the **table**](../../server/src/limits.ts#L3)\n', {
      'server/src/limits.ts': '',
    })

    expect(article).toContain(
      '<span title="server/src/limits.ts in the repository">the <strong>table</strong></span>',
    )
  })

  it('lists the pages of a folder that has no README', async () => {
    await using made = await makeRepository({
      'docs/decisions/b.md': '# `B`',
      'docs/decisions/old/c.md': '# C',
    })

    const article = await articleOf(createDocs({ root: made.root, watches: false }), 'decisions')

    expect(article).toContain('<h1 id="decisions">Decisions')
    expect(article).toContain('<a href="decisions/b">B</a>')
    expect(article).toContain('<a href="decisions/old/c">C</a>')
  })

  it('shows a changed file at the next request where files are watched, and only there', async () => {
    await using made = await makeRepository({ 'docs/a.md': '# Before' })
    const watching = createDocs({ root: made.root, watches: true })
    const keeping = createDocs({ root: made.root, watches: false })
    for (const docs of [watching, keeping]) expect(await articleOf(docs, 'a')).toContain('Before')

    await made.write('docs/a.md', '# After')
    await utimes(join(made.root, 'docs/a.md'), 1, 1)
    await made.write('docs/b.md', '# New')

    expect(await articleOf(watching, 'a')).toContain('After')
    expect(await articleOf(watching, 'b')).toContain('New')
    expect(await articleOf(keeping, 'a')).toContain('Before')
    expect((await visit(keeping, '/docs/b')).status).toBe(404)
  })
})

/** Every address on every page that leads to nothing, and every file named that is not in the repository. */
const findDead = async (root: string): Promise<string[]> => {
  const docs = createDocs({ root, watches: false })
  const dead: string[] = []
  for (const path of docs.paths()) {
    const at = path === '' ? '/docs' : `/docs/${path}`
    const { text } = await visit(docs, at)
    for (const [, address = ''] of text.matchAll(/ (?:href|src|action)="([^"]*)"/g)) {
      const url = new URL(address.replaceAll('&amp;', '&'), `http://docs${at}`)
      if (!(await leadsSomewhere(docs, url))) dead.push(`${at}: ${address}`)
    }
    for (const [, file = ''] of text.matchAll(/<span title="([^"]*) in the repository">/g)) {
      if (!existsSync(join(root, file))) dead.push(`${at}: ${file}`)
    }
  }
  return dead
}

const leadsSomewhere = async (docs: Docs, url: URL): Promise<boolean> => {
  if (url.host !== 'docs' || ['/explorer', '/docs/search'].includes(url.pathname)) return true
  const { status, text } = await visit(docs, url.href)
  if (status !== 200 || !url.pathname.startsWith('/docs')) return false
  return url.hash === '' || text.includes(` id="${decodeURIComponent(url.hash.slice(1))}"`)
}

describe('all pages of this repository', () => {
  it('lead only to pages, anchors, images and files that are there', async () => {
    const dead = await findDead(repository)

    expect(dead).toEqual([])
  })

  it('would not pass with a dead link, anchor or image, or the name of a file that is gone', async () => {
    await using made = await makeRepository({
      'docs/README.md':
        '# A\n\n[b](b.md) [c](c.md#gone) [d](#gone) [e](../e.ts) ![f](images/f.png) [g](c.md#there) [h](../h.ts)',
      'docs/c.md': '# C\n\n## There',
      'h.ts': '',
    })

    const dead = await findDead(made.root)

    expect(dead).toEqual([
      '/docs: docs/c#gone',
      '/docs: #gone',
      '/docs: images/f.png',
      '/docs: docs/b.md',
      '/docs: e.ts',
    ])
  })

  it('stand in the navigation of each, the current one marked', async () => {
    const docs = createDocs({ watches: false })
    const { text } = await visit(docs, '/docs/guides/change-phone')

    const linked = [...text.matchAll(/<li><a href="([^"]*)"/g)].map(
      ([, address = '']) => new URL(address, 'http://docs/docs/guides/change-phone').pathname,
    )
    const listed = docs.paths().filter((path) => path !== '' && !isFolder(path))
    expect(linked).toEqual(expect.arrayContaining(listed.map((path) => `/docs/${path}`)))
    expect(text).toContain(
      '<a href="change-phone" aria-current="page">Changing, losing and giving up a phone</a>',
    )
    expect(text.match(/aria-current/g)).toHaveLength(1)
  })

  it('have the calls grouped as the page of all calls has them', async () => {
    const { text } = await visit(createDocs({ watches: false }), '/docs/reference/sdk/bindPhone')

    expect(text).toMatch(/<summary>Phone<\/summary>\s*<ul><li><a href="bindPhone" aria-current="page">/)
  })
})

/** A page that is made for a folder: the folder above others is reached through them. */
const isFolder = (path: string) =>
  existsSync(join(repository, 'docs', path)) && !existsSync(join(repository, 'docs', path, 'README.md'))

describe('a path of the documentation', () => {
  it.each([
    '../package.json',
    '../../etc/passwd',
    '..',
    'guides/../../package.json',
    '/etc/passwd',
    'images/../../package.json',
    'images/inbox.png\0.md',
    'GUIDES/sms',
    '__proto__',
    'constructor',
    'search/x',
  ])('is looked up and never followed: %s', async (path) => {
    const docs = createDocs({ watches: false })

    const { status, body } = await docs.open('/docs/x', path)

    expect(status).toBe(404)
    expect(body).toContain('No such page')
  })

  it('gets a short answer where it is deep and leads nowhere', async () => {
    const docs = createDocs({ watches: false })

    const { status, body } = await docs.open(`/docs${'/'.repeat(8000)}x`, `${'/'.repeat(7999)}x`)

    expect(status).toBe(404)
    expect(body.length).toBeLessThan(50_000)
  })

  it('leads to no symbolic link, and to no other kind of file', async () => {
    await using made = await makeRepository({
      'secret.txt': 'hidden',
      'docs/a.md': '# A',
      'docs/notes.txt': 'hidden',
      'docs/page.html': 'hidden',
    })
    await symlink(join(made.root, 'secret.txt'), join(made.root, 'docs/link.md'))
    await symlink(made.root, join(made.root, 'docs/all'))
    const docs = createDocs({ root: made.root, watches: false })

    const replies = await Promise.all(
      ['link', 'link.md', 'all', 'all/secret.txt', 'notes.txt', 'page.html'].map((path) =>
        visit(docs, `/docs/${path}`),
      ),
    )

    expect(replies.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404, 404])
  })

  it.each([
    ['/docs/', '../docs'],
    ['/docs/guides/sms/', '../sms'],
    ['/docs/guides/sms.md', 'sms'],
    ['/docs/reference/sdk/README.md', '../sdk'],
    ['/docs/README.md', '../docs'],
    ['/docs/guides%2Fsms', 'guides/sms'],
    ['/docs/guides/%73ms', 'sms'],
  ])('%s leads to the page itself', async (path, location) => {
    const docs = createDocs({ watches: false })

    const { status, headers } = await visit(docs, path)

    expect({ status, location: headers['location'] }).toEqual({ status: 302, location })
    expect((await visit(docs, new URL(location, `http://docs${path}`).href)).status).toBe(200)
  })

  it('says so where the server was installed without the folder', async () => {
    await using made = await makeRepository({ 'README.md': '# Somebody else’s' })
    const docs = createDocs({ root: made.root, watches: false })

    const replies = [
      await visit(docs, '/docs'),
      await visit(docs, '/docs/README'),
      await docs.search('phone'),
    ]

    expect(replies.map(({ status }) => status)).toEqual([404, 404, 404])
    for (const { body } of replies) expect(body).toContain('No documentation here')
    expect((await visit(docs, '/docs/docs.css')).status).toBe(200)
  })
})
