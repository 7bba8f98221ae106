// The page that shows the inbox: plain files, read once, sent with a policy that lets nothing else run or load.
import { readFileSync } from 'node:fs'

const folder = new URL('../../pages/', import.meta.url)

const files = {
  '/inbox': { file: 'inbox/index.html', type: 'text/html; charset=utf-8' },
  '/inbox/inbox.css': { file: 'inbox/inbox.css', type: 'text/css; charset=utf-8' },
  '/inbox/inbox.js': { file: 'inbox/inbox.js', type: 'text/javascript; charset=utf-8' },
  '/inbox/icon.svg': { file: 'icon.svg', type: 'image/svg+xml' },
} as const

// Trusted types make the browser refuse innerHTML and its kin, whatever a message holds.
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

export type PageFile = { path: string; headers: Record<string, string>; body: string }

/** The page itself at `/inbox`, its other files below. */
export const readInboxPage = (): PageFile[] =>
  Object.entries(files).map(([path, { file, type }]) => ({
    path,
    headers: {
      'content-type': type,
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
    },
    body: readFileSync(new URL(file, folder), 'utf8'),
  }))
