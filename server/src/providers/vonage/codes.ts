// Vonage's own error codes: the numbers of "Messages API errors" (api-errors/messages), which stand in answers and in
// receipts, and the words of "Generic errors" (api-errors), which stand in answers only.
import type { FailureCodes } from '../failures.ts'

export const vonageCodes: FailureCodes = {
  // Generic errors.
  'account-suspended': 'account_suspended',
  forbidden: 'service_not_enabled',
  'invalid-api-key': 'credentials_invalid',
  'invalid-params': 'request_rejected',
  'invalid-signature': 'credentials_invalid',
  'jwt-expired': 'credentials_invalid',
  'jwt-revoked': 'credentials_invalid',
  'low-balance': 'balance_exhausted',
  throttled: 'throttled',
  unauthorized: 'credentials_invalid',
  unprovisioned: 'service_not_enabled',

  // The request and the account.
  1000: 'throttled',
  1010: 'request_rejected',
  1020: 'request_rejected',
  1021: 'request_rejected',
  1022: 'template_not_approved',
  1030: 'provider_fault',
  1040: 'request_rejected',
  1050: 'blocked_by_provider',
  1060: 'account_suspended',
  1070: 'balance_exhausted',
  1080: 'service_not_enabled',
  1090: 'content_rejected',
  1100: 'provider_fault',
  1120: 'sender_not_approved',
  1130: 'request_rejected',
  1140: 'service_not_enabled',
  1150: 'request_rejected',
  // A trial account may send only to numbers that it has listed.
  1160: 'request_rejected',
  1170: 'number_invalid',

  // Delivery.
  1180: 'number_unreachable',
  1190: 'number_invalid',
  1200: 'number_unreachable',
  1210: 'blocked_by_carrier',
  1220: 'number_unreachable',
  1230: 'provider_fault',
  1240: 'number_opted_out',
  1241: 'number_limit_reached',
  1250: 'number_cannot_receive',
  1251: 'geo_permission_missing',
  1260: 'number_unreachable',
  1270: 'blocked_by_carrier',
  1280: 'blocked_by_carrier',
  1282: 'blocked_by_provider',
  1290: 'number_cannot_receive',
  1300: 'number_cannot_receive',
  1310: 'number_cannot_receive',
  1320: 'request_rejected',
  1330: 'unknown',
  1331: 'provider_fault',
  // A text outside the 24 hours in which one may answer on WhatsApp: it needs a template.
  1340: 'template_not_approved',
  1360: 'expired',

  // The channel.
  1400: 'request_rejected',
  1410: 'request_rejected',
  1420: 'sender_not_approved',
  1430: 'number_cannot_receive',
  1440: 'request_rejected',
  1450: 'request_rejected',
  1460: 'throttled',
  1461: 'number_limit_reached',

  // Fraud Defender.
  1470: 'blocked_by_provider',
  1472: 'blocked_by_provider',
  1473: 'blocked_by_provider',

  // Rules of a country, as those of India for registered senders and texts.
  1480: 'sender_not_approved',
  1481: 'sender_not_approved',
  1482: 'template_not_approved',
  1483: 'number_opted_out',
  1484: 'request_rejected',
}
