// The provider settings, ready to paste, and with them the command that sends a first message.
import { copyAndConfirm } from './copying.js'

const element = (id) => document.getElementById(id)

const makeAccount = ([kind, settings]) => {
  const item = element('account').content.firstElementChild.cloneNode(true)
  const text = JSON.stringify(settings, null, 2)
  const button = item.querySelector('button')
  item.querySelector('summary').textContent = kind
  item.querySelector('pre').textContent = text
  item.querySelector('pre').setAttribute('aria-label', `Settings of ${kind}`)
  button.addEventListener('click', () => copyAndConfirm(text, button))
  return item
}

const commandFrom = ({ accountSid, authToken, from, endpoint }) =>
  `curl ${endpoint}/2010-04-01/Accounts/${accountSid}/Messages.json \\
  -u ${accountSid}:${authToken} \\
  --data-urlencode From=${from} \\
  --data-urlencode To=+8618812345678 \\
  --data-urlencode 'Body=Your code is 314159.'`

const load = async () => {
  try {
    const { providerSettings } = await (await fetch('emulator/accounts')).json()
    element('account-list').replaceChildren(...Object.entries(providerSettings).map(makeAccount))
    element('command').textContent = commandFrom(providerSettings.twilio)
  } catch {
    // The page says already that the emulator is away.
    setTimeout(load, 2000)
  }
}

element('copy-command').addEventListener('click', ({ currentTarget }) =>
  copyAndConfirm(element('command').textContent, currentTarget),
)
load()
