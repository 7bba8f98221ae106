// Shows what arrives on the phones. What a message holds may be hostile: it reaches the page through textContent alone.
import { copyAndConfirm } from './copying.js'

const pollMilliseconds = 1000
const timeoutMilliseconds = 10_000
const element = (id) => document.getElementById(id)

// Words and times

const serviceWords = {
  aliyun: 'Alibaba Cloud',
  tencent: 'Tencent Cloud',
  twilio: 'Twilio',
  sns: 'Amazon SNS',
  vonage: 'Vonage',
  generic: 'Generic',
  smpp: 'SMPP',
}
const channelWords = { sms: 'SMS', voice: 'Voice', whatsapp: 'WhatsApp' }

const writeNumber = (number) =>
  number
    .replace(/^\+86(\d{3})(\d{4})(\d{4})$/, '+86 $1 $2 $3')
    .replace(/^\+1(\d{3})(\d{3})(\d{4})$/, '+1 $1 $2 $3')

/** The code of a text: the first digits that stand alone and are as many as a code has; a voice spells them. */
const codeIn = (text) =>
  /(?<![\d+])\d{4,8}(?!\d)/.exec(text)?.[0] ??
  /(?<!\d)\d(?:[\s,.]+\d){3,7}(?![\s,.]*\d)/.exec(text)?.[0].replace(/\D/g, '')

const relativeTime = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const exactTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' })

const ago = (date) => {
  const seconds = Math.round((Date.now() - date.getTime()) / 1000)
  if (seconds < 10) return 'just now'
  if (seconds < 60) return relativeTime.format(-seconds, 'second')
  if (seconds < 3600) return relativeTime.format(-Math.floor(seconds / 60), 'minute')
  return relativeTime.format(-Math.floor(seconds / 3600), 'hour')
}

// The phones: one element a number and one a message, made once and moved never, so that nothing flickers or loses the
// focus.

const phones = new Map()
const shown = new Map()
let hasLoaded = false

const phoneOf = (to) => {
  const known = phones.get(to)
  if (known !== undefined) return known
  const item = element('phone').content.firstElementChild.cloneNode(true)
  item.querySelector('.number').textContent = writeNumber(to)
  const list = item.querySelector('.messages')
  list.setAttribute('aria-label', `Messages of ${writeNumber(to)}, newest first`)
  const phone = { item, list, to }
  phones.set(to, phone)
  element('list').prepend(item)
  return phone
}

const makeMessage = ({ to, from, text, service, channel, receivedAt }) => {
  const item = element('message').content.firstElementChild.cloneNode(true)
  const part = (selector) => item.querySelector(selector)
  const code = codeIn(text)
  const date = new Date(receivedAt)
  part('.service').textContent = serviceWords[service] ?? service
  part('.channel').textContent = channelWords[channel] ?? channel
  part('.from').textContent = from
  part('.from').hidden = from === ''
  part('.code').hidden = code === undefined
  if (code !== undefined) {
    part('.digits').textContent = code
    part('.code').setAttribute('aria-label', `Copy code ${[...code].join(' ')}`)
    part('.code').addEventListener('click', () => copyAndConfirm(code, part('.hint')))
  }
  part('.text').textContent = text
  part('time').dateTime = receivedAt
  part('time').title = exactTime.format(date)
  return { item, to, text, code, time: part('time'), date }
}

const removeGone = (ids) => {
  for (const [id, { item }] of shown) {
    if (ids.has(id)) continue
    item.remove()
    shown.delete(id)
  }
  for (const [to, { item, list }] of phones) {
    if (list.childElementCount > 0) continue
    item.remove()
    phones.delete(to)
  }
}

const showMessages = (messages) => {
  const isFirst = !hasLoaded
  hasLoaded = true
  const arrived = messages.filter(({ id }) => !shown.has(id))
  // The emulator gives the newest first: from the oldest on, each goes above the others.
  for (const message of arrived.toReversed()) {
    const made = makeMessage(message)
    if (!isFirst) made.item.classList.add('new')
    shown.set(message.id, made)
    phoneOf(message.to).list.prepend(made.item)
  }
  removeGone(new Set(messages.map(({ id }) => id)))
  showTimes()
  showFound()
  const [newest] = arrived
  if (isFirst || newest === undefined) return
  const { code, text } = shown.get(newest.id)
  element('spoken').textContent =
    `${writeNumber(newest.to)} received ${code === undefined ? text : [...code].join(' ')}`
}

const showTimes = () => {
  for (const { time, date } of shown.values()) {
    const words = ago(date)
    if (time.textContent !== words) time.textContent = words
  }
}

// Receipts that could not be given

const showFailures = (failures) => {
  element('failures').hidden = failures.length === 0
  if (failures.length === 0) return
  const [one, many] = ['One receipt could not be given:', 'receipts could not be given. The last ones:']
  element('failures-words').textContent = failures.length === 1 ? one : `${failures.length} ${many}`
  const lines = failures
    .slice(0, 3)
    .map(({ service, to, reason }) => `${serviceWords[service] ?? service}, ${writeNumber(to)}: ${reason}`)
  const list = element('failures-list')
  if (lines.join('\n') === [...list.children].map((item) => item.textContent).join('\n')) return
  list.replaceChildren(
    ...lines.map((line) => {
      const item = document.createElement('li')
      item.textContent = line
      return item
    }),
  )
}

// The search

const searchField = element('to')

/** `188 1234`, `+86188-1234` and `188(1234)` mean the same digits; a text matches by any part of it. */
const matches = ({ to, text }, wanted) => {
  if (wanted === '') return true
  const isNumber = /^[\d\s().+-]+$/.test(wanted)
  if (isNumber && to.includes(wanted.replace(/[\s().-]/g, ''))) return true
  return text.toLowerCase().includes(wanted.toLowerCase())
}

const showFound = () => {
  const wanted = searchField.value.trim()
  const found = new Set()
  for (const message of shown.values()) {
    message.item.hidden = !matches(message, wanted)
    if (!message.item.hidden) found.add(message.to)
  }
  for (const { item, to } of phones.values()) item.hidden = !found.has(to)
  element('none-to').textContent = `“${wanted}”`
  element('none').hidden = shown.size === 0 || found.size > 0
  element('empty').hidden = !hasLoaded || shown.size > 0
  element('forget').hidden = shown.size === 0
}

const changeSearch = () => {
  const url = new URL(location.href)
  const wanted = searchField.value.trim()
  if (wanted === '') url.searchParams.delete('to')
  else url.searchParams.set('to', wanted)
  history.replaceState(null, '', url)
  showFound()
}

const readSearch = () => {
  // A `+` that nobody escaped arrives as a space.
  const to = new URL(location.href).searchParams.get('to') ?? ''
  searchField.value = /^ \d/.test(to) ? `+${to.trim()}` : to
}

// The emulator

const setState = (state, words) => {
  const place = element('state')
  if (place.dataset.state === state) return
  place.dataset.state = state
  place.textContent = words
}

let timer
let asking = false

const poll = async () => {
  clearTimeout(timer)
  if (document.hidden || asking) return
  asking = true
  try {
    const response = await fetch('emulator/messages', { signal: AbortSignal.timeout(timeoutMilliseconds) })
    if (!response.ok) throw new Error(`HTTP ${response.status}`)
    const { messages, receiptFailures } = await response.json()
    showMessages(messages)
    showFailures(receiptFailures)
    setState('listening', 'Listening')
    element('away').hidden = true
  } catch {
    setState('away', 'No connection')
    if (element('away').hidden) {
      element('away').textContent = 'The emulator does not answer. This page keeps trying.'
      element('away').hidden = false
    }
    showTimes()
  }
  asking = false
  timer = setTimeout(poll, pollMilliseconds)
}

// The page

searchField.addEventListener('input', changeSearch)
element('show-all').addEventListener('click', () => {
  searchField.value = ''
  changeSearch()
  searchField.focus()
})
element('forget').addEventListener('click', async () => {
  searchField.focus()
  await fetch('emulator/messages', { method: 'DELETE' }).catch(() => undefined)
  await poll()
})
document.addEventListener('visibilitychange', poll)
readSearch()
poll()
