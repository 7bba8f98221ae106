// Serves the example and the built SDK to the browsers of this machine: `npm run example`, or with a port of your own
// `npm run example -- 4021`. The list of files is made once, so that no path of a request is ever looked for on the disk.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = dirname(fileURLToPath(import.meta.url))
const page = join(folder, 'bind-phone')
const sdk = join(folder, '..', 'dist', 'esm')

const types = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
}

const scriptsOfSdk = () => {
  try {
    return readdirSync(sdk, { recursive: true })
      .map((name) => name.replaceAll('\\', '/'))
      .filter((name) => name.endsWith('.js'))
  } catch {
    return []
  }
}

const files = new Map([
  ['/', join(page, 'index.html')],
  ...['bind-phone.css', 'bind-phone.js', 'page.js'].map((name) => [`/${name}`, join(page, name)]),
  ...scriptsOfSdk().map((name) => [`/sdk/${name}`, join(sdk, name)]),
])

/** Allows the page its own files, its import map (the one script that stands inside it) and calls of any server. */
const policyOf = (html) => {
  const [, importMap = ''] = /<script type="importmap">([^<]*)<\/script>/.exec(html) ?? []
  const hash = createHash('sha256').update(importMap).digest('base64')
  return [
    "default-src 'none'",
    `script-src 'self' 'sha256-${hash}'`,
    "style-src 'self'",
    'img-src data:',
    'connect-src http: https:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

const server = createServer(({ method, url = '/' }, response) => {
  response.setHeader('x-content-type-options', 'nosniff').setHeader('cache-control', 'no-store')
  const file = files.get(url.replace(/\?.*$/, ''))
  if (file === undefined || (method !== 'GET' && method !== 'HEAD')) {
    response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('There is no such file.\n')
    return
  }
  // Read anew each time, so that a change is there after a reload.
  const text = readFileSync(file, 'utf8')
  const extension = file.slice(file.lastIndexOf('.') + 1)
  if (extension === 'html') response.setHeader('content-security-policy', policyOf(text))
  response.writeHead(200, { 'content-type': types[extension] }).end(text)
})

const fail = (message) => {
  process.stderr.write(`${message}\n`)
  process.exitCode = 1
}

const [port = '4020'] = process.argv.slice(2)
if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
  fail(`${port} is no port: give a number, such as 4020.`)
} else if (!files.has('/sdk/sdk.js')) {
  fail('The SDK is not built: npm run build')
} else {
  server.on('error', (error) =>
    fail(
      error.code === 'EADDRINUSE' ? `Port ${port} is taken: give another one, such as 4021.` : error.message,
    ),
  )
  server.listen(Number(port), '127.0.0.1', () => {
    // Not 127.0.0.1: an address is no host that an SMS could name (WebOTP).
    process.stdout.write(`Bind a phone: http://localhost:${server.address().port}/\n`)
  })
}
