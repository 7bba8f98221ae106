// The story: sign in, name a phone, receive the code, bind. What the page looks like meanwhile is in page.js.
//
// The token is in the client's memory alone: a reload forgets it, and no other script finds it in a store.
import { AuthenticationClient, apiCodes, canReceivePassCode, receivePassCode } from '@dialtone/sdk'
import {
  beginAnew,
  element,
  fill,
  numberOf,
  onClick,
  onSubmit,
  open,
  refuseApp,
  showBound,
  showServer,
  tell,
} from './page.js'

/** Fields to which a refusal belongs that names none. */
const fieldOf = {
  [apiCodes.credentials_invalid]: 'password',
  [apiCodes.password_too_weak]: 'password',
  [apiCodes.username_taken]: 'username',
  [apiCodes.passcode_incorrect]: 'passCode',
  [apiCodes.passcode_expired]: 'passCode',
}

/** Seen at a sign-in, and not before: the list of countries is for everybody. */
const refusalsOfApp = [apiCodes.client_secret_invalid, apiCodes.app_not_found]

let client
let username
let phone
let waiting = new AbortController()

// The server

/** An application of your own has both in its program: no link may choose where passwords go. */
const useServer = async ({ app, host }) => {
  // An application for browsers has no secret: everybody could read it.
  const chosen = new AuthenticationClient({
    appId: app,
    appHost: host,
    tokenEndPointAuthMethod: 'none',
    throwOnError: true,
    lang: 'en-US',
  })
  const { data: countries } = await chosen.getCountryList()
  client = chosen
  waiting.abort()
  beginAnew()
  showServer({ host, countries })
  open('sign-in')
}

// Sign in

onSubmit('sign-in-form', fieldOf, async ({ username: name, password }, way) => {
  const person = { username: name, password }
  try {
    if (way === 'sign-up') await client.signUpByUsernamePassword(person)
    const { data } = await client.signInByUsernamePassword(person)
    client.setAccessToken(data.access_token)
  } catch (error) {
    if (!refusalsOfApp.includes(error.apiCode)) throw error
    return refuseApp('Give the id of an application without a secret (README, step 2).')
  }
  username = name
  const { data: profile } = await client.getProfile()
  if (profile.phoneVerified) return showBound(profile, `${username} has a phone already.`)
  open('phone', { 'sign-in': username })
})

// Send, and wait

/** What the browser reads in the SMS that comes next; nothing where it cannot, or when the wait is over. */
const receive = async () => {
  waiting.abort()
  waiting = new AbortController()
  const { signal } = waiting
  const passCode = await receivePassCode({ signal }).catch(() => undefined)
  return signal.aborted ? undefined : passCode
}

const send = () => client.sendSms({ channel: 'CHANNEL_BIND_PHONE', ...phone })

const fillIn = (passCode) => {
  if (passCode === undefined) return
  fill('passCode', passCode)
  element('code-form').requestSubmit()
}

onSubmit('phone-form', fieldOf, async ({ phoneCountryCode, phoneNumber }) => {
  phone = { phoneCountryCode, phoneNumber }
  // First the wait, then the SMS: a browser looks at no message that came before it was asked.
  const received = receive()
  try {
    await send()
  } catch (error) {
    waiting.abort()
    throw error
  }
  open('code', { phone: numberOf(phone) })
  tell(
    canReceivePassCode()
      ? 'Waiting for the SMS. Let your browser read the code, or type it.'
      : 'Sent. Type the code when the SMS is there.',
  )
  received.then(fillIn)
})

onClick('send-again', async () => {
  // Even if it is too early to send again: the first SMS may still be on its way.
  receive().then(fillIn)
  await send()
  tell('Sent again.')
})

onClick('other-number', () => {
  waiting.abort()
  open('phone')
})

// Bind

onSubmit('code-form', fieldOf, async ({ passCode }) => {
  // By hand or by itself: whichever was first, nobody is asked for the SMS any more.
  waiting.abort()
  try {
    await client.bindPhone({ ...phone, passCode })
  } catch (error) {
    tell('Type the code, or send it again.')
    throw error
  }
  const { data: profile } = await client.getProfile()
  showBound(profile, `This phone now belongs to ${username}.`)
})

// The start: from the address of the page, or the form at its top

onSubmit('server-form', fieldOf, async (given) => {
  // Open, in case of a refusal.
  element('server').open = true
  await useServer(given)
  history.replaceState(null, '', `?${new URLSearchParams(given)}`)
})

const given = new URLSearchParams(location.search)
if (given.has('host')) fill('host', given.get('host'))
if (given.has('app')) {
  fill('app', given.get('app'))
  element('server-form').requestSubmit()
} else {
  element('server').open = true
}
