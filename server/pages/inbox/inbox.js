// Shows messages as they arrive. What a message holds may be hostile: it reaches the page as text and as addresses of links.

const pollMilliseconds = 1500
const timeoutMilliseconds = 10_000
const element = (id) => document.getElementById(id)

/** Where the name of the wire, in plain words, is not what a person would say. */
const purposeWords = {
  CHANNEL_LOGIN: 'Sign in',
  CHANNEL_REGISTER: 'Sign up',
  CHANNEL_BIND_MFA: 'Set up a second factor',
  CHANNEL_VERIFY_MFA: 'Confirm with a second factor',
  CHANNEL_UNBIND_MFA: 'Remove a second factor',
  CHANNEL_COMPLETE_PHONE: 'Confirm the phone',
  CHANNEL_COMPLETE_EMAIL: 'Confirm the email address',
  CHANNEL_IDENTITY_VERIFICATION: 'Confirm the identity',
  CHANNEL_VERIFY_EMAIL_LINK: 'Confirm the email address',
  CHANNEL_UPDATE_EMAIL: 'Change the email address',
}

const purposeOf = (channel) => {
  const words = channel
    .replace(/^(CHANNEL|NOTICE)_/, '')
    .replaceAll('_', ' ')
    .toLowerCase()
  return purposeWords[channel] ?? words.charAt(0).toUpperCase() + words.slice(1)
}

/** The text, with the links of notices as links: http alone, so that no text becomes a script. */
const writeText = (place, text) => {
  const parts = text.split(/(https?:\/\/\S+)/)
  for (const [index, part] of parts.entries()) {
    if (index % 2 === 0) {
      place.append(part)
      continue
    }
    const link = document.createElement('a')
    link.href = part
    link.textContent = part
    link.target = '_blank'
    link.rel = 'noopener noreferrer'
    place.append(link)
  }
}

const writeRecipient = (to) => to.replace(/^\+86(\d{3})(\d{4})(\d{4})$/, '+86 $1 $2 $3')

// Times

const relativeTime = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const exactTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' })

const ago = (date) => {
  const seconds = Math.round((Date.now() - date.getTime()) / 1000)
  if (seconds < 10) return 'just now'
  if (seconds < 60) return relativeTime.format(-seconds, 'second')
  if (seconds < 3600) return relativeTime.format(-Math.floor(seconds / 60), 'minute')
  if (seconds < 86_400) return relativeTime.format(-Math.floor(seconds / 3600), 'hour')
  return relativeTime.format(-Math.floor(seconds / 86_400), 'day')
}

// Copying

/** The Clipboard API exists only over HTTPS and on localhost; elsewhere the browser's old command still works. */
const copy = async (text) => {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const focused = document.activeElement
    const area = document.createElement('textarea')
    area.className = 'spoken'
    area.value = text
    document.body.append(area)
    area.select()
    const isCopied = document.execCommand('copy')
    area.remove()
    focused?.focus()
    return isCopied
  }
}

/** Says so where the person looks, and to those who listen. */
const copyAndConfirm = async (text, place) => {
  const isCopied = await copy(text)
  place.textContent = isCopied ? 'Copied ✓' : 'Select it'
  element('spoken').textContent = isCopied ? 'Copied' : 'The browser did not allow copying'
  setTimeout(() => {
    place.textContent = 'Copy'
  }, 2000)
}

// The list: one element a message, made once and moved never, so that nothing flickers or loses the focus.

const shown = new Map()
let hasLoaded = false

const makeMessage = ({ to, text, passCode, channel, createdAt }) => {
  const item = element('message').content.firstElementChild.cloneNode(true)
  const part = (selector) => item.querySelector(selector)
  const date = new Date(createdAt)
  part('.purpose').textContent = purposeOf(channel)
  part('.purpose').title = channel
  part('.recipient').textContent = writeRecipient(to)
  part('.code').hidden = passCode === ''
  part('.digits').textContent = passCode
  part('.code').setAttribute('aria-label', `Copy code ${[...passCode].join(' ')}`)
  part('.code').addEventListener('click', () => copyAndConfirm(passCode, part('.hint')))
  writeText(part('.text'), text)
  part('.medium').textContent = to.includes('@') ? 'Email' : 'SMS'
  part('time').dateTime = createdAt
  part('time').title = exactTime.format(date)
  return { item, to, time: part('time'), date }
}

const showMessages = (messages) => {
  const isFirst = !hasLoaded
  hasLoaded = true
  const arrived = messages.filter(({ id }) => !shown.has(id))
  const ids = new Set(messages.map(({ id }) => id))
  for (const [id, { item }] of shown) {
    if (ids.has(id)) continue
    item.remove()
    shown.delete(id)
  }
  // The server gives the newest first: from the oldest on, each goes above the others.
  for (const message of arrived.toReversed()) {
    const made = makeMessage(message)
    if (!isFirst) made.item.classList.add('new')
    shown.set(message.id, made)
    element('messages').prepend(made.item)
  }
  showTimes()
  showFiltered()
  const [newest] = arrived.filter(({ id }) => !shown.get(id).item.hidden)
  if (isFirst || newest === undefined) return
  const digits = [...newest.passCode].join(' ')
  element('spoken').textContent =
    digits === ''
      ? `New message for ${writeRecipient(newest.to)}`
      : `New code for ${writeRecipient(newest.to)}: ${digits}`
}

const showTimes = () => {
  for (const { time, date } of shown.values()) {
    const words = ago(date)
    if (time.textContent !== words) time.textContent = words
  }
}

// The filter

const filterField = element('to')

/** `188 1234`, `+86188-1234` and `188(1234)` mean the same digits; an address matches by any part of it. */
const matches = (to, filter) => {
  if (filter === '') return true
  const isNumber = /^[\d\s().+-]+$/.test(filter)
  if (isNumber && !to.includes('@')) return to.includes(filter.replace(/[\s().-]/g, ''))
  return to.toLowerCase().includes(filter.toLowerCase())
}

const showFiltered = () => {
  const filter = filterField.value.trim()
  let visible = 0
  for (const { item, to } of shown.values()) {
    item.hidden = !matches(to, filter)
    if (!item.hidden) visible += 1
  }
  element('none-to').textContent = `“${filter}”`
  element('none').hidden = shown.size === 0 || visible > 0
  element('empty').hidden = !hasLoaded || shown.size > 0
}

const changeFilter = () => {
  const url = new URL(location.href)
  const filter = filterField.value.trim()
  if (filter === '') url.searchParams.delete('to')
  else url.searchParams.set('to', filter)
  history.replaceState(null, '', url)
  showFiltered()
}

const readFilter = () => {
  // A `+` that nobody escaped arrives as a space.
  const to = new URL(location.href).searchParams.get('to') ?? ''
  filterField.value = /^ \d/.test(to) ? `+${to.trim()}` : to
}

// The server

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
    const response = await fetch('inbox/messages', { signal: AbortSignal.timeout(timeoutMilliseconds) })
    if (!response.ok) throw new Error(`HTTP ${response.status}`)
    const { messages } = await response.json()
    showMessages(messages)
    setState('listening', 'Listening')
    element('away').hidden = true
  } catch {
    setState('away', 'No connection')
    if (element('away').hidden) {
      element('away').textContent = 'The server does not answer. This page keeps trying.'
      element('away').hidden = false
    }
    showTimes()
  }
  asking = false
  timer = setTimeout(poll, pollMilliseconds)
}

// The page

const command = `curl -X POST ${new URL('api/v3/send-sms', location.href)} \\
  -H 'content-type: application/json' \\
  -H 'x-authing-app-id: YOUR_APP_ID' \\
  -d '{"channel": "CHANNEL_BIND_PHONE", "phoneNumber": "18812345678"}'`

element('command').textContent = command
element('copy-command').addEventListener('click', (event) => copyAndConfirm(command, event.currentTarget))
filterField.addEventListener('input', changeFilter)
element('clear').addEventListener('click', () => {
  filterField.value = ''
  changeFilter()
  filterField.focus()
})
document.addEventListener('visibilitychange', poll)
readFilter()
poll()
