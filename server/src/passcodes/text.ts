import type { Language } from '../config.ts'
import { type Purpose, purposes } from './purposes.ts'

/**
 * The words of a passcode message. They name the application and the purpose, so that a person who was called by
 * a swindler ("tell me the code") sees what the code would do.
 */
export const passcodeText = (given: {
  code: string
  purpose: Purpose
  applicationName: string
  minutes: number
  language: Language
}): string => {
  const { code, purpose, applicationName, minutes, language } = given
  return language === 'zh-CN'
    ? `【${applicationName}】验证码 ${code},用于${purposes[purpose].zh},${minutes} 分钟内有效。请勿告知他人。`
    : `${code} is your ${applicationName} code to ${purposes[purpose].en}. It is valid for ${minutes} minutes. Tell it to nobody.`
}
