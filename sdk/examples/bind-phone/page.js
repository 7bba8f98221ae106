// What the page shows: which step is open, what a refusal says and where, how long to wait. It knows nothing of the SDK
// but what its errors hold: `message`, `errors`, `apiCode`, `retryAfterSeconds`.

const steps = ['sign-in', 'phone', 'code']

export const element = (id) => document.getElementById(id)

export const fill = (id, value) => {
  element(id).value = value
}

/** In the step of the code, and aloud. */
export const tell = (words) => {
  element('waiting').textContent = words
  element('status').textContent = words
}

// Steps

/** Opens a step, closes the others, and writes beside a step that is done what was done. */
export const open = (name, summaries = {}) => {
  element('bound').hidden = true
  element('steps').hidden = false
  for (const [place, step] of steps.entries()) {
    const item = element(`step-${step}`)
    const isNow = step === name
    item.dataset.state = isNow ? 'now' : place < steps.indexOf(name) ? 'done' : 'later'
    if (isNow) item.setAttribute('aria-current', 'step')
    else item.removeAttribute('aria-current')
    const form = item.querySelector('form')
    form.hidden = !isNow
    const summary = item.querySelector('.summary')
    if (step in summaries) summary.textContent = summaries[step]
    summary.hidden = item.dataset.state !== 'done'
  }
  const form = element(`${name}-form`)
  forgive(form)
  if (name === 'code') fill('passCode', '')
  form.querySelector('input').focus()
}

/** Forgets what was typed for another server, a password among it. */
export const beginAnew = () => {
  for (const step of steps) element(`${step}-form`).reset()
}

const isOnThisMachine = (host) => /^https?:\/\/(localhost|127\.0\.0\.1)(:\d+)?\/?$/.test(host)

/** A server was found: its form closes, and the calling codes are there to choose from. */
export const showServer = ({ host, countries }) => {
  element('server').open = false
  element('server-now').textContent = `Server ${host.replace(/^https?:\/\//, '')}`
  element('inbox').hidden = !isOnThisMachine(host)
  if (isOnThisMachine(host)) element('inbox-link').href = new URL('/inbox', host).href
  const region = new Intl.Locale(navigator.language).maximize().region
  const options = countries
    .map(({ alpha2, phoneCountryCode, name }) => ({ alpha2, phoneCountryCode, name: name['en-US'].value }))
    .sort((one, other) => one.name.localeCompare(other.name, 'en'))
    .map(({ alpha2, phoneCountryCode, name }) => {
      const isHere = alpha2 === region
      return new Option(`${name} (${phoneCountryCode})`, phoneCountryCode, isHere, isHere)
    })
  element('phoneCountryCode').replaceChildren(...options)
}

/** A whole number, as browsers fill it in, brings its calling code along; no code begins another one (ITU-T E.164). */
element('phoneNumber').addEventListener('change', ({ target }) => {
  const whole = target.value.replace(/[\s().-]/g, '').replace(/^00/, '+')
  const options = [...element('phoneCountryCode').options]
  const stated = options.find(({ value }) => whole.startsWith(value))
  if (whole.startsWith('+') && stated !== undefined) fill('phoneCountryCode', stated.value)
})

/** A whole number stands alone, as it was typed: it brings its calling code along. */
export const numberOf = ({ phoneCountryCode, phoneNumber }) =>
  /^\s*(\+|00)/.test(phoneNumber) ? phoneNumber : `${phoneCountryCode} ${phoneNumber}`

export const showBound = ({ phoneCountryCode, phone }, words) => {
  element('steps').hidden = true
  element('bound-phone').textContent = `${phoneCountryCode} ${phone}`
  element('bound-words').textContent = words
  element('bound').hidden = false
  element('bound').focus()
}

// Refusals

const forgive = (form) => {
  const refusal = form.querySelector('.refusal')
  refusal.hidden = true
  refusal.textContent = ''
  for (const input of form.querySelectorAll('[aria-invalid]')) {
    input.removeAttribute('aria-invalid')
    input.removeAttribute('aria-describedby')
    element(`${input.id}-fault`)?.remove()
  }
}

const mark = (input, words) => {
  const fault = document.createElement('p')
  fault.id = `${input.id}-fault`
  fault.className = 'fault'
  fault.textContent = words
  input.setAttribute('aria-invalid', 'true')
  input.setAttribute('aria-describedby', fault.id)
  input.closest('.field').append(fault)
}

/** The faults that belong to a field of this form: those that the refusal names, or the one that its kind is about. */
const faultsIn = (form, error, fieldOf) => {
  const named = (error.errors ?? []).map(({ field, message }) => ({ name: field.split('.').at(-1), message }))
  const kind = { name: fieldOf[error.apiCode], message: error.message }
  return (named.length > 0 ? named : [kind]).filter(({ name }) => name && form.elements.namedItem(name))
}

const showRefusal = (form, error, fieldOf) => {
  const faults = faultsIn(form, error, fieldOf)
  for (const { name, message } of faults) mark(form.elements.namedItem(name), message)
  form.querySelector('[aria-invalid]')?.focus()
  if (faults.length > 0) return
  const refusal = form.querySelector('.refusal')
  // The words of a limit name the field that holds the seconds.
  refusal.textContent = error.message.replace('data.retryAfterSeconds', `${error.retryAfterSeconds} seconds`)
  refusal.hidden = false
}

/** The app id of the form at the top was refused in a later step. */
export const refuseApp = (words) => {
  forgive(element('server-form'))
  element('server').open = true
  mark(element('app'), words)
  element('app').focus()
}

/** What is missing, in the browser's words; the server is not asked. */
const isComplete = (form) => {
  const missing = [...form.elements].filter((input) => input.willValidate && !input.validity.valid)
  for (const input of missing) mark(input, input.validationMessage)
  missing[0]?.focus()
  return missing.length === 0
}

// Waiting

const minutesAndSeconds = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`

/** Holds a button back for as long as the server would refuse. */
const countDown = (button, seconds) => {
  const label = button.textContent
  const end = Date.now() + seconds * 1000
  const tick = () => {
    const left = Math.ceil((end - Date.now()) / 1000)
    button.disabled = left > 0
    button.textContent = left > 0 ? `${label} in ${minutesAndSeconds(left)}` : label
    if (left <= 0) clearInterval(timer)
  }
  const timer = setInterval(tick, 250)
  tick()
}

/** Does the work of a form, or of a button beside it, which is locked meanwhile: nothing is sent twice. */
const work = async (lock, form, { button, fieldOf = {}, task }) => {
  if (lock.ariaBusy === 'true' || button.disabled) return
  forgive(form)
  if (lock === form && !isComplete(form)) return
  lock.ariaBusy = 'true'
  try {
    await task()
  } catch (error) {
    showRefusal(form, error, fieldOf)
    if (error.retryAfterSeconds > 0) countDown(button, error.retryAfterSeconds)
  } finally {
    lock.ariaBusy = 'false'
  }
}

/** @param task gets the values of the fields, and that of the button */
export const onSubmit = (id, fieldOf, task) => {
  const form = element(id)
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const button = event.submitter ?? form.querySelector('button')
    const values = Object.fromEntries(new FormData(form))
    work(form, form, { button, fieldOf, task: () => task(values, button.value) })
  })
}

export const onClick = (id, task) => {
  const button = element(id)
  button.addEventListener('click', () => work(button, button.form, { button, task }))
}
