// Twilio's refusals, as its page "Error and Warning Dictionary" lists them: the code, the HTTP status and the message.
import type { FastifyReply } from 'fastify'

type ErrorRow = { status: number; message: string }

const errors: Readonly<Record<string, ErrorRow>> = {
  20003: { status: 401, message: 'Authenticate' },
  20005: { status: 403, message: 'Account is not active' },
  20404: { status: 404, message: 'The requested resource was not found' },
  20429: { status: 429, message: 'Too Many Requests' },
  21201: { status: 400, message: "No 'To' number is specified" },
  21205: { status: 400, message: 'Url parameter is required.' },
  21210: { status: 400, message: "'From' phone number not verified" },
  21211: { status: 400, message: "Invalid 'To' Phone Number" },
  21212: { status: 400, message: "Invalid 'From' Number" },
  21213: { status: 400, message: "'From' phone number is required" },
  21214: { status: 400, message: "'To' phone number cannot be reached" },
  21215: { status: 400, message: 'Geo Permission configuration is not permitting call' },
  21216: { status: 400, message: 'Call blocked by Twilio blocklist' },
  21217: { status: 400, message: 'Phone number does not appear to be valid' },
  21408: {
    status: 400,
    message: "Permission to send an SMS has not been enabled for the region indicated by the 'To' number",
  },
  21602: { status: 400, message: 'Message body is required.' },
  21603: { status: 400, message: "A 'From' phone number is required." },
  21604: { status: 400, message: "A 'To' phone number is required." },
  21606: {
    status: 400,
    message:
      "The 'From' phone number provided is not a valid message-capable Twilio phone number for this destination/account",
  },
  21610: { status: 400, message: 'Attempt to send to unsubscribed recipient' },
  21611: { status: 400, message: "This 'From' number has exceeded the maximum number of queued messages" },
  21612: {
    status: 400,
    message: "Message cannot be sent with the current combination of 'To' and 'From' parameters",
  },
  21614: { status: 400, message: "'To' number is not a valid mobile number" },
  21617: { status: 400, message: 'The concatenated message body exceeds the 1600 character limit' },
  21656: { status: 400, message: 'The ContentVariables Parameter is invalid.' },
  21659: { status: 400, message: "'From' is not a Twilio phone number or Short Code country mismatch" },
  63007: { status: 400, message: 'Twilio could not find a Channel with the specified From address' },
}

/** Thrown by a handler to answer with one of Twilio's errors. */
export class TwilioError extends Error {
  readonly code: string

  constructor(code: string) {
    super(errors[code]?.message ?? 'The request was refused')
    this.code = code
  }
}

/** The body that "Twilio API responses" shows for a RESTException. */
export const answerError = (reply: FastifyReply, code: string): FastifyReply => {
  const { status, message } = errors[code] ?? { status: 400, message: 'The request was refused' }
  const number = Number(code)
  return reply.code(status).send({
    code: Number.isNaN(number) ? code : number,
    message,
    more_info: `https://www.twilio.com/docs/errors/${code}`,
    status,
  })
}
