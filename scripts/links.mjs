// Makes links and code of what the server's texts name: calls by their paths, refusals, channels.
import { code } from './markdown.mjs'

const isPlain = (word) => /^[a-z]+$/.test(word)

/** `to`: from the page that the links stand on, the folder of the methods and the page of refusals. */
export const linkerOf = (calls, apiCodes, to = { sdk: '', apiCodes: '../api-codes.md' }) => {
  const byPath = new Map([['/oidc/token', 'getNewAccessTokenByRefreshToken']])
  for (const { path, id } of calls) {
    const short = path.replace('/api/v3/', '')
    byPath.set(path, byPath.get(path) ?? id)
    if (!isPlain(short)) byPath.set(short, byPath.get(short) ?? id)
  }
  // A path of several methods is known by the one that reads the list.
  byPath.set('webauthn/credentials', 'listWebAuthnCredentials')
  const paths = [...byPath.keys()].sort((one, other) => other.length - one.length)
  const names = Object.keys(apiCodes).filter((name) => name.includes('_'))
  const known = new RegExp(
    `(?<![\\w/.-])(?:(?<path>${paths.join('|')})|(?<name>${names.join('|')})|(?<channel>CHANNEL_[A-Z_]+))(?![\\w/-])`,
    'g',
  )
  const linked = (text) =>
    text.replace(known, (word, ...rest) => {
      const { path, name } = rest.at(-1)
      if (path !== undefined) return `[\`${byPath.get(path)}\`](${to.sdk}${byPath.get(path)}.md)`
      return name === undefined ? code(word) : `[\`${name}\`](${to.apiCodes}#${name})`
    })
  // Every second piece stands between backticks.
  return (text) =>
    text
      .split('`')
      .map((piece, index) => (index % 2 === 0 ? linked(piece) : piece))
      .join('`')
}
