// The panel of faults: a switch for each fault and service. The emulator holds what is on; the fields beside a switch
// say how, from the next time on.

const pollMilliseconds = 1000
const element = (id) => document.getElementById(id)
const fieldsOf = {
  delay: ['milliseconds'],
  late_receipt: ['milliseconds'],
  reorder: ['milliseconds'],
  refuse: ['code'],
  fail: ['code'],
}
const defaultMilliseconds = { delay: 5000, late_receipt: 60_000, reorder: 300 }
const writeKind = (kind) => kind.replace('_', ' ').replace('http 500', 'HTTP 500')

let faults = []
const rows = new Map()

const isSame = (fault, kind, service) => fault.kind === kind && fault.service === service
const isOn = (kind, service) => faults.some((fault) => isSame(fault, kind, service))

const makeSwitch = (kind, service) => {
  const button = document.createElement('button')
  button.type = 'button'
  button.textContent = service ?? 'all'
  button.addEventListener('click', () => change(kind, service))
  return { button, service }
}

const makeRow = (kind, about, services) => {
  const item = element('fault').content.firstElementChild.cloneNode(true)
  const part = (selector) => item.querySelector(selector)
  part('.kind').textContent = writeKind(kind)
  part('.about').textContent = about
  part('.services').setAttribute('aria-label', `Services of ${writeKind(kind)}`)
  const switches = [undefined, ...services].map((service) => makeSwitch(kind, service))
  part('.services').append(...switches.map(({ button }) => button))
  const fields = fieldsOf[kind] ?? []
  part('.milliseconds').hidden = !fields.includes('milliseconds')
  part('.error-code').hidden = !fields.includes('code')
  const inputs = {
    milliseconds: part('.milliseconds input'),
    code: part('.error-code input'),
    times: part('.times input'),
  }
  inputs.milliseconds.value = defaultMilliseconds[kind] ?? ''
  for (const input of Object.values(inputs)) input.addEventListener('change', () => renew(kind))
  element('fault-list').append(item)
  return { on: part('.on'), switches, inputs }
}

const numberIn = (input) => (input.value === '' ? undefined : Number(input.value))

const faultFrom = (kind, service) => {
  const { inputs } = rows.get(kind)
  const fields = fieldsOf[kind] ?? []
  return {
    kind,
    service,
    milliseconds: fields.includes('milliseconds') ? numberIn(inputs.milliseconds) : undefined,
    code: fields.includes('code') && inputs.code.value !== '' ? inputs.code.value.trim() : undefined,
    times: numberIn(inputs.times),
  }
}

const put = async (wanted) => {
  const response = await fetch('emulator/faults', {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ faults: wanted }),
  }).catch(() => undefined)
  const answer = await response?.json().catch(() => undefined)
  const isTaken = response?.ok === true
  element('faults-refused').hidden = isTaken
  element('faults-refused').textContent = isTaken ? '' : (answer?.message ?? 'The emulator does not answer.')
  if (isTaken) show(answer)
}

const change = (kind, service) =>
  put(
    isOn(kind, service)
      ? faults.filter((fault) => !isSame(fault, kind, service))
      : [...faults, faultFrom(kind, service)],
  )

/** What is on takes over the new fields at once. */
const renew = (kind) => {
  if (!faults.some((fault) => fault.kind === kind)) return undefined
  return put(faults.map((fault) => (fault.kind === kind ? faultFrom(kind, fault.service) : fault)))
}

const show = (answer) => {
  faults = answer.faults
  for (const [kind, about] of Object.entries(answer.kinds)) {
    if (!rows.has(kind)) rows.set(kind, makeRow(kind, about, answer.services))
    const { on, switches } = rows.get(kind)
    const words = faults.filter((fault) => fault.kind === kind).map(({ service }) => service ?? 'all')
    if (on.textContent !== words.join(', ')) on.textContent = words.join(', ')
    for (const { button, service } of switches) button.setAttribute('aria-pressed', isOn(kind, service))
  }
  element('no-faults').hidden = faults.length === 0
}

/** Faults count down and others switch them too. */
const poll = async () => {
  if (!document.hidden) {
    const response = await fetch('emulator/faults').catch(() => undefined)
    const answer = response?.ok ? await response.json().catch(() => undefined) : undefined
    if (answer !== undefined) show(answer)
  }
  setTimeout(poll, pollMilliseconds)
}

element('no-faults').addEventListener('click', () => {
  element('fault-list').querySelector('summary').focus()
  return put([])
})
poll()
