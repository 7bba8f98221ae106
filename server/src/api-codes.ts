// Every refusal that the V3 API can give: its numbers and its public words. The name decides the code; the exact
// reason of one refusal goes to the log. Published numbers are kept where GenAuth has one; ours begin at 8800001.
// `docs/reference/api-codes.md` is generated from this table.

export type ApiCode = {
  statusCode: number
  /** Absent where the refusal lies outside the V3 API. */
  apiCode?: number
  /** The HTTP status, where it is not the 200 of every V3 reply: the SDKs throw on any other and lose the body. */
  httpStatus?: number
  en: string
  zh: string
  /** For the reference, where the public words only say what to do. */
  meaning?: string
  /** When it is given, for who reads the reference; the public words say less on purpose. */
  cause: string
  /** What the developer who gets it does, in one sentence; for the reference, which makes links of the calls in it. */
  remedy: string
}

export const apiCodes = {
  request_invalid: {
    statusCode: 400,
    apiCode: 8800012,
    en: 'The request is not valid: see data.errors for each field and what it should be.',
    zh: '请求参数不正确:每个字段的要求见 data.errors。',
    cause: 'The body or query does not match the schema of the call.',
    remedy:
      'Read `data.errors` and mend each field that it names; the page of the call has a table of all of them.',
  },
  phone_number_invalid: {
    statusCode: 400,
    apiCode: 2028,
    en: 'This is not a possible phone number for its calling code: check phoneNumber and phoneCountryCode.',
    zh: '手机号格式不正确,请检查手机号与国家区号。',
    cause: 'No number of that calling code can look like this.',
    remedy: 'Ask for the number again, and send the calling code of its country as `phoneCountryCode`.',
  },
  email_invalid: {
    statusCode: 400,
    apiCode: 2003,
    en: 'This is not a valid email address.',
    zh: '邮箱格式不正确。',
    cause: 'The text is not an address.',
    remedy: 'Ask for the address again.',
  },
  password_too_weak: {
    statusCode: 400,
    apiCode: 2029,
    en: 'The password is too weak: see data.errors for what is asked.',
    zh: '密码强度不足:具体要求见 data.errors。',
    cause:
      'A new password is shorter, longer or simpler than the account policy allows, one that many people use, or the name, number or address of the account.',
    remedy: 'Show what `data.errors` asks for, and let the person choose another password.',
  },
  token_invalid: {
    statusCode: 401,
    apiCode: 2020,
    en: 'You are not signed in, or your sign-in has ended: sign in again.',
    zh: '尚未登录或登录已失效,请重新登录。',
    cause:
      'The token is missing, malformed, forged, expired or of another application, or its session has ended.',
    remedy:
      'Sign the user in again, or get a new access token for the refresh token; send the token of this application, as it came.',
  },
  client_secret_invalid: {
    statusCode: 401,
    apiCode: 8800010,
    en: 'The application could not be authenticated: check client_id and client_secret.',
    zh: '应用身份验证失败,请检查 client_id 与 client_secret。',
    cause: 'A sign-in without the secret of an application that has one, or with a wrong one.',
    remedy:
      'Send the application’s id and secret as `client_id` and `client_secret`, or as Basic; the methods of the SDK that are named for what they sign in with do so by themselves.',
  },
  account_locked: {
    statusCode: 403,
    apiCode: 2005,
    en: 'Too many wrong passwords: try again later (data.retryAfterSeconds), or sign in with a code.',
    zh: '密码错误次数过多,请稍后再试(见 data.retryAfterSeconds)或使用验证码登录。',
    cause: 'The identifier failed too often from this client address.',
    remedy: 'Wait for `data.retryAfterSeconds`, or offer a sign-in with a code.',
  },
  captcha_required: {
    statusCode: 403,
    apiCode: 2000,
    en: 'Show the picture of get-captcha-code, and send what it says as captchaToken and captchaCode.',
    zh: '请调用 get-captcha-code 获取图形验证码,并携带 captchaToken 与 captchaCode 重试。',
    meaning: 'A captcha has to be solved first.',
    cause:
      'A send: few codes that were sent to numbers like this one came back. A sign-in: too many wrong passwords for the identifier, known or not.',
    remedy:
      'Call get-captcha-code, show its picture, and repeat the call with `captchaToken` and `captchaCode`.',
  },
  password_reset_required: {
    statusCode: 403,
    apiCode: 2058,
    en: 'A change to this account was undone: set a new password with verify-reset-password-request, or sign in with a code.',
    zh: '账号变更已被撤销:请通过 verify-reset-password-request 重置密码,或使用验证码登录。',
    cause:
      'Right password, but a change to the account was undone from a notice since; told only to who knows the password.',
    remedy:
      'Lead the person to a new password with verify-reset-password-request and reset-password, or sign in with a code.',
  },
  old_password_incorrect: {
    statusCode: 403,
    apiCode: 1320011,
    en: 'The current password is not correct.',
    zh: '原密码不正确。',
    cause:
      'update-password with a missing or wrong oldPassword, or verify-delete-account-request with a wrong password.',
    remedy: 'Ask for the current password again, or offer verify-reset-password-request to who forgot it.',
  },
  old_phone_proof_required: {
    statusCode: 403,
    apiCode: 2038,
    en: 'Prove the current phone too: send CHANNEL_UNBIND_PHONE to it, and give oldPhoneNumber and oldPhonePassCode. If it is lost, prove another factor first.',
    zh: '请同时验证原手机号:向原手机号发送 CHANNEL_UNBIND_PHONE 验证码并提供 oldPhoneNumber 与 oldPhonePassCode;如已无法使用,请先验证其他因素。',
    meaning: 'The current phone has to be proved too.',
    cause: 'The pool asks for proof of the old number, and it is missing or names another number.',
    remedy:
      'Send a code with `CHANNEL_UNBIND_PHONE` to the current number and give `oldPhoneNumber` and `oldPhonePassCode`; or prove another factor first, or say `oldPhoneLost`.',
  },
  factor_proof_required: {
    statusCode: 403,
    apiCode: 8800022,
    en: 'Prove first that it is you: verify a code of your authenticator app with mfa-totp-verify, or sign in again. Then do this within five minutes.',
    zh: '请先验证身份:调用 mfa-totp-verify 验证动态口令,或重新登录,并在五分钟内完成此操作。',
    meaning: 'The person has to prove a factor first.',
    cause:
      'A factor is to be removed, in a session that neither began nor proved a factor in the last five minutes.',
    remedy:
      'Ask for a code of the authenticator app and call mfa-totp-verify, or sign the user in again; then repeat the call within five minutes.',
  },
  old_email_proof_required: {
    statusCode: 403,
    apiCode: 2227,
    en: 'Prove the current email address too: give oldEmail and oldEmailPassCode.',
    zh: '请同时验证原邮箱:提供 oldEmail 与 oldEmailPassCode。',
    meaning: 'The current email address has to be proved too.',
    cause: 'The pool asks for proof of the old address, and it is missing or names another address.',
    remedy:
      'Send a code with `CHANNEL_UPDATE_EMAIL` to the current address and give `oldEmail` and `oldEmailPassCode`; or prove another factor first. An address that was never verified needs a sign-in within five minutes instead: let the person sign in again.',
  },
  phone_proof_stale: {
    statusCode: 403,
    apiCode: 8800017,
    en: 'This phone was not confirmed for a long time: sign in with your password or email first, then confirm it with bind-phone.',
    zh: '该手机号长期未验证:请先使用密码或邮箱登录,再通过 bind-phone 重新验证。',
    cause:
      'The code was right, but operators give numbers to new people, and no code of this one came back for the days that the account policy names.',
    remedy: 'Offer a sign-in with password or email, then bind-phone with the same number to confirm it.',
  },
  step_up_token_invalid: {
    statusCode: 403,
    apiCode: 1020020,
    en: 'This confirmation is not valid any more: confirm again.',
    zh: '验证凭证无效或已过期,请重新验证。',
    cause:
      'An updatePhoneToken, updateEmailToken, passwordResetToken, deleteAccountToken or enrollmentToken that is wrong, used, expired or of another user or session.',
    remedy:
      'Begin again with the call that gave the token, and use the new one once, at once and in the same session.',
  },
  region_not_allowed: {
    statusCode: 403,
    apiCode: 8800005,
    en: 'Messages are not sent to this country or range of numbers.',
    zh: '暂不支持向该国家/地区或号段发送短信。',
    cause:
      'The guard’s policy leaves the country out, or hardly any code that was sent to numbers like this one came back.',
    remedy:
      'Offer another way to sign in; an administrator can allow the country in the policy of the SMS guard.',
  },
  sim_swapped: {
    statusCode: 403,
    apiCode: 8800016,
    en: 'The SIM of this number changed a short time ago: use another way to confirm that it is you.',
    zh: '该号码近期更换过 SIM 卡,请使用其他方式验证身份。',
    cause: 'The lookup service tells of a SIM swap within the hours that the guard’s policy names.',
    remedy:
      'Offer email, a passkey or an authenticator app instead of a code by SMS; or wait until the hours of the policy are over.',
  },
  receipt_invalid: {
    statusCode: 403,
    httpStatus: 403,
    en: 'This call is not signed by the provider.',
    zh: '回执签名无效。',
    cause: 'A delivery receipt whose signature is missing, wrong or too old.',
    remedy:
      'Compare the secret or key of the provider’s receipts with the one that is configured here, and the clocks.',
  },
  registration_disabled: {
    statusCode: 403,
    apiCode: 2031,
    en: 'This application does not accept new users.',
    zh: '该应用已关闭注册。',
    cause: 'The application is set to take no new users.',
    remedy: 'Offer a sign-in only; an administrator can let the application take new users.',
  },
  credentials_invalid: {
    statusCode: 403,
    apiCode: 2333,
    en: 'The account or the password is wrong.',
    zh: '账号或密码错误。',
    cause: 'An unknown account or a wrong password; or a right code for a number that nobody has.',
    remedy: 'Ask for both again, and do not say which was wrong; offer a reset of the password.',
  },
  user_disabled: {
    statusCode: 403,
    apiCode: 2120008,
    en: 'This user is disabled: ask an administrator.',
    zh: '该用户已被禁用,请联系管理员。',
    cause:
      'The user is suspended, resigned, archived or deactivated; told only to who proved to be that user.',
    remedy: 'Tell the person to ask an administrator, who can activate the user.',
  },
  console_header_missing: {
    statusCode: 403,
    httpStatus: 403,
    en: 'Send the header x-dialtone-console: 1 with every change that the cookie of the console authenticates.',
    zh: '使用控制台 Cookie 进行修改时,请携带请求头 x-dialtone-console: 1。',
    meaning: 'The change does not say that the console’s page makes it.',
    cause:
      'A page of another site cannot send that header, so that it changes nothing in an administrator’s name.',
    remedy: 'Send `x-dialtone-console: 1`, or authenticate with a key in the `authorization` header.',
  },
  administrator_session_required: {
    statusCode: 403,
    httpStatus: 403,
    en: 'A key may not do this: sign in as an administrator.',
    zh: '密钥无权执行此操作,请以管理员身份登录。',
    cause:
      'A key makes no keys and changes no password, so that a stolen one is of no use once it is revoked.',
    remedy: 'Sign in as an administrator and send the token of that session.',
  },
  record_not_found: {
    statusCode: 404,
    httpStatus: 404,
    en: 'There is nothing with this id: read the list to see what there is.',
    zh: '没有此 ID 对应的内容,请查看列表。',
    cause: 'A call of the console names something that is not there, or that belongs to another pool.',
    remedy: 'Read the list again, and use an id that stands in it.',
  },
  app_not_found: {
    statusCode: 404,
    apiCode: 2011,
    en: 'There is no such application: send its id in the x-authing-app-id header or as client_id.',
    zh: '应用不存在:请通过 x-authing-app-id 请求头或 client_id 指定应用。',
    cause: 'The application id is missing or unknown.',
    remedy:
      'Send the id of an application of this server in the `x-authing-app-id` header; the SDK sends its `appId`.',
  },
  user_not_found: {
    statusCode: 404,
    apiCode: 2004,
    en: 'There is no user with this phone or email address.',
    zh: '用户不存在。',
    cause: 'A reset with a right code for a number or address that no user has any more.',
    remedy: 'Offer a sign-up.',
  },
  phone_not_bound: {
    statusCode: 404,
    apiCode: 1320005,
    en: 'You have no phone.',
    zh: '您尚未绑定手机号。',
    cause: 'There is no phone to change or to unbind.',
    remedy: 'Call bind-phone: there is nothing to change.',
  },
  email_not_bound: {
    statusCode: 404,
    apiCode: 1320009,
    en: 'You have no email address.',
    zh: '您尚未绑定邮箱。',
    cause: 'There is no email address to change or to unbind.',
    remedy: 'Call bind-email: there is nothing to change.',
  },
  factor_not_found: {
    statusCode: 404,
    apiCode: 8800011,
    en: 'You have no such factor, passkey or device: read the list of yours.',
    zh: '您没有此认证方式、通行密钥或设备,请查看对应的列表。',
    cause: 'The id names no factor, passkey or device of the caller.',
    remedy:
      'Read the list again (list-enrolled-factors, webauthn/credentials, mydevices/list), and use an id that stands in it.',
  },
  phone_already_bound: {
    statusCode: 409,
    apiCode: 8800002,
    en: 'You already have a phone: change it with verify-update-phone-request, then update-phone.',
    zh: '您已绑定手机号:请先调用 verify-update-phone-request,再调用 update-phone 进行修改。',
    cause: 'A user who has a phone binds one.',
    remedy: 'Change the number with verify-update-phone-request and update-phone.',
  },
  phone_taken: {
    statusCode: 409,
    apiCode: 1320004,
    en: 'This phone is bound to another user.',
    zh: '该手机号已被其他用户绑定。',
    cause: 'Another user of the pool has the number; told only after the code was right.',
    remedy: 'Ask for another number, or sign the person in to the account that has it.',
  },
  phone_unchanged: {
    statusCode: 409,
    apiCode: 2230,
    en: 'This is your phone already.',
    zh: '新手机号与原手机号相同。',
    cause: 'The new number is the current one.',
    remedy: 'Ask for another number, or do nothing.',
  },
  phone_claim_started: {
    statusCode: 409,
    apiCode: 8800018,
    en: 'This phone belongs to an account that nobody has used for long. It will be free after data.retryAfterSeconds, unless its owner objects: confirm it again then.',
    zh: '该手机号属于长期未使用的账号:若原用户未提出异议,data.retryAfterSeconds 秒后可重新验证并使用。',
    cause:
      'The code was right, and the number is that of a dormant account: its owner is told, and has time to object.',
    remedy: 'Tell the person when to come back (`data.retryAfterSeconds`), and send a new code then.',
  },
  email_taken: {
    statusCode: 409,
    apiCode: 1320004,
    en: 'This email address is bound to another user.',
    zh: '该邮箱已被其他用户绑定。',
    cause: 'Another user of the pool has the address; told only after the code was right.',
    remedy: 'Ask for another address, or sign the person in to the account that has it.',
  },
  email_already_bound: {
    statusCode: 409,
    apiCode: 8800003,
    en: 'You already have an email address: change it with verify-update-email-request, then update-email.',
    zh: '您已绑定邮箱:请先调用 verify-update-email-request,再调用 update-email 进行修改。',
    cause: 'A user who has an email address binds one.',
    remedy: 'Change the address with verify-update-email-request and update-email.',
  },
  email_unchanged: {
    statusCode: 409,
    apiCode: 2229,
    en: 'This is your email address already.',
    zh: '新邮箱与原邮箱相同。',
    cause: 'The new address is the current one.',
    remedy: 'Ask for another address, or do nothing.',
  },
  factor_already_enrolled: {
    statusCode: 409,
    apiCode: 8800019,
    en: 'You have set up this factor already: remove it with reset-factor first.',
    zh: '您已绑定该多因素认证方式,请先解绑。',
    cause: 'One factor of a type, and one passkey of an authenticator.',
    remedy: 'Show the factor as set up; remove it with reset-factor before another takes its place.',
  },
  user_exists: {
    statusCode: 409,
    apiCode: 2026,
    en: 'There is already a user with this phone or email address: sign in instead.',
    zh: '用户已存在,请直接登录。',
    cause: 'A sign-up with a phone or address that a user of the pool has.',
    remedy: 'Sign the person in instead.',
  },
  username_taken: {
    statusCode: 409,
    apiCode: 2034,
    en: 'This username is taken.',
    zh: '该用户名已被占用。',
    cause: 'Another user of the pool has the username, in upper or lower case.',
    remedy: 'Ask for another username.',
  },
  international_sms_not_configured: {
    statusCode: 422,
    apiCode: 8800006,
    en: 'No SMS provider serves this calling code: an administrator adds one under SMS routes.',
    zh: '没有短信服务商支持该国家区号,请管理员在短信路由中配置。',
    cause: 'No route serves the number, or only the inbox does, and it is off.',
    remedy: 'An administrator adds a provider, and a route that serves the calling code.',
  },
  phone_type_not_allowed: {
    statusCode: 422,
    apiCode: 8800004,
    en: 'This kind of number cannot be used: enter a mobile number.',
    zh: '不支持此类号码,请使用手机号码。',
    cause: 'A landline, a premium number or another kind of line that the guard’s policy refuses.',
    remedy: 'Ask for a mobile number; an administrator can allow other lines in the policy of the SMS guard.',
  },
  email_not_configured: {
    statusCode: 422,
    apiCode: 8800014,
    en: 'No email provider is configured: an administrator adds one.',
    zh: '尚未配置邮件服务,请联系管理员。',
    cause: 'The pool has no mail server, and the inbox is off.',
    remedy: 'An administrator configures a mail server.',
  },
  last_sign_in_method: {
    statusCode: 422,
    apiCode: 2217,
    en: 'This is your only way to sign in: add an email address, a password with a username, or a passkey first.',
    zh: '这是您唯一的登录方式,请先绑定其他登录方式。',
    cause: 'Unbinding would leave nothing to sign in with.',
    remedy:
      'Let the person add another way to sign in first: an email address, a username with a password, or a passkey.',
  },
  passcode_attempts_exceeded: {
    statusCode: 429,
    apiCode: 8800001,
    en: 'Too many wrong codes: try again after data.retryAfterSeconds.',
    zh: '验证码错误次数过多,请在 data.retryAfterSeconds 秒后再试。',
    cause: 'The attempts of the code, or the failures of the number or account in an hour, are spent.',
    remedy: 'Wait for `data.retryAfterSeconds`; a new code does not help before.',
  },
  sms_cooldown: {
    statusCode: 429,
    apiCode: 8800007,
    en: 'A message was sent a moment ago: ask again after data.retryAfterSeconds.',
    zh: '发送过于频繁,请在 data.retryAfterSeconds 秒后再试。',
    cause: 'The recipient got a message for the same purpose within the cooldown.',
    remedy: 'Disable the button for `data.retryAfterSeconds`; the code that was sent is good meanwhile.',
  },
  sms_limit_reached: {
    statusCode: 429,
    apiCode: 8800008,
    en: 'Too many messages: ask again after data.retryAfterSeconds.',
    zh: '发送次数已达上限,请在 data.retryAfterSeconds 秒后再试。',
    cause:
      'A limit is spent: of the number, the client address or its network, the application, the range, the country, the pool, or the budget; or the account was changed too often, while each change is told by SMS.',
    remedy:
      'Wait for `data.retryAfterSeconds`; an administrator can raise the [limit](limits.md) that is too low.',
  },
  captcha_limit_reached: {
    statusCode: 429,
    apiCode: 8800015,
    en: 'Too many captchas: ask again after data.retryAfterSeconds.',
    zh: '获取图形验证码过于频繁,请在 data.retryAfterSeconds 秒后再试。',
    cause: 'The client address asked for more captchas than the limit of an hour allows.',
    remedy: 'Wait for `data.retryAfterSeconds`, and ask for a captcha only after `captcha_required`.',
  },
  passcode_incorrect: {
    statusCode: 499,
    apiCode: 2001,
    en: 'The code is not correct: check it, or ask for a new one.',
    zh: '验证码不正确,请检查或重新获取。',
    cause:
      'The code is wrong, was never sent or already used, or is for another purpose, number, application or user.',
    remedy:
      'Ask for the code again; check that it was sent with the channel of this call, to the same number, and by the same user and application.',
  },
  passcode_expired: {
    statusCode: 499,
    apiCode: 2300,
    en: 'The code has expired: ask for a new one.',
    zh: '验证码已过期,请重新获取。',
    cause: 'The right code, too late.',
    remedy: 'Send a new code.',
  },
  totp_incorrect: {
    statusCode: 499,
    apiCode: 6001,
    en: 'The code of the authenticator app is not correct: wait for the next one.',
    zh: '动态口令不正确,请等待下一个口令。',
    cause: 'The code is wrong, of another time, or was used before.',
    remedy: 'Ask for the next code that the app shows; check the clock of the phone.',
  },
  recovery_code_incorrect: {
    statusCode: 499,
    apiCode: 6002,
    en: 'The recovery code is not correct.',
    zh: '恢复码不正确。',
    cause: 'The recovery code is wrong or was used before.',
    remedy: 'Ask for the recovery code again; one that was used is of no use any more.',
  },
  totp_missing: {
    statusCode: 499,
    apiCode: 6003,
    en: 'Give the code of the authenticator app.',
    zh: '请输入动态口令。',
    meaning: 'The code of the authenticator app is missing.',
    cause: 'The code is missing.',
    remedy: 'Send `totp`, or `enrollmentData.passCode` where the factor is enrolled.',
  },
  recovery_code_missing: {
    statusCode: 499,
    apiCode: 6004,
    en: 'Give the recovery code.',
    zh: '请输入恢复码。',
    meaning: 'The recovery code is missing.',
    cause: 'The recovery code is missing.',
    remedy: 'Send `recoveryCode`, or `totp` in its place.',
  },
  passkey_invalid: {
    statusCode: 499,
    apiCode: 8800021,
    en: 'The passkey could not be verified: try again.',
    zh: '通行密钥验证失败,请重试。',
    cause:
      'The answer of the authenticator is not signed by a known key, or not for this site, or its challenge was used or is too old.',
    remedy: 'Begin again with the call that gave the ticket, on a page whose host the application knows.',
  },
  internal: {
    statusCode: 500,
    apiCode: 8800500,
    httpStatus: 500,
    en: 'Something went wrong on our side. Tell your administrator the requestId.',
    zh: '服务器内部错误,请将 requestId 告知管理员。',
    cause: 'A fault of ours; the log tells it under the same requestId.',
    remedy: 'Tell the `requestId` to who runs the server: the log has the reason under it.',
  },
  sms_undeliverable: {
    statusCode: 502,
    apiCode: 8800009,
    en: 'The message could not be sent: try again in a moment.',
    zh: '短信发送失败,请重试。',
    cause:
      'Every provider of the route refused the message or did not answer in time, or the budget had no room for the next one.',
    remedy:
      'Let the person try again: at once, or after the waiting time where a provider did not answer and may have sent it. Or offer a code by email.',
  },
  email_undeliverable: {
    statusCode: 502,
    apiCode: 8800020,
    en: 'The email could not be sent: try again in a moment.',
    zh: '邮件发送失败,请重试。',
    cause: 'The mail server refused the message or did not answer in time.',
    remedy:
      'Let the person try again: at once, or after the waiting time where the mail server did not answer and may have taken it.',
  },
  not_implemented: {
    statusCode: 501,
    apiCode: 8800013,
    en: 'This server knows this call and does not serve it.',
    zh: '该接口尚未提供。',
    cause: 'A call of the V3 API that no feature serves.',
    remedy: 'Do without the call: [methods](sdk/README.md) lists those that are served.',
  },
  body_too_large: {
    statusCode: 413,
    httpStatus: 413,
    en: 'The body is over 64 KiB: send less.',
    zh: '请求体超过 64 KiB。',
    cause: 'The body is over the limit of every call.',
    remedy: 'Send a smaller body.',
  },
  path_not_found: {
    statusCode: 404,
    httpStatus: 404,
    en: 'There is nothing at this path: /explorer lists every call.',
    zh: '路径不存在,全部接口见 /explorer。',
    cause: 'No call has this path and method.',
    remedy: 'Check `appHost` and the path.',
  },
} as const satisfies Record<string, ApiCode>

export type ApiCodeName = keyof typeof apiCodes

/** One entry of `data.errors`: which field, and what it should be. */
export type FieldFault = { field: string; message: string }

export type RefusalDetail = {
  retryAfterSeconds?: number
  errors?: readonly FieldFault[]
  /** Of a code that a client may look for in the reply's data, as where it was right. */
  verified?: false
}

/**
 * A refusal: `name` picks the row that the client sees, `reason` is for the log alone and says exactly why.
 * Neither may hold a code, a token, a secret or a full number (rule 12).
 */
export class ApiError extends Error {
  readonly code: ApiCodeName
  readonly reason: string
  readonly detail: RefusalDetail

  constructor(code: ApiCodeName, reason: string, detail: RefusalDetail = {}) {
    super(`${code}: ${reason}`)
    this.code = code
    this.reason = reason
    this.detail = detail
  }
}

/** The refusal of one field that the schema alone cannot judge. */
export const fieldInvalid = (field: string, message: string): ApiError =>
  new ApiError('request_invalid', `${field} ${message}`, { errors: [{ field, message }] })
