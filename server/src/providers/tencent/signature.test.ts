import { describe, expect, it } from 'vitest'
import { signTencentCall } from './signature.ts'

/** The example of "Signature v3", whose masked key is what was signed with: 32 asterisks. */
const tencentExample = {
  call: {
    endpoint: 'https://cvm.tencentcloudapi.com',
    service: 'cvm',
    action: 'DescribeInstances',
    version: '2017-03-12',
    region: 'ap-guangzhou',
    body: '{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}',
  },
  signer: {
    secretId: `AKID${'*'.repeat(32)}`,
    secretKey: '*'.repeat(32),
    now: new Date(1_551_113_065_000),
  },
}

describe('the signature of Tencent Cloud', () => {
  it('is that of the documentation’s example', () => {
    const signed = signTencentCall(tencentExample.call, tencentExample.signer)

    expect(signed.headers['authorization']).toBe(
      `TC3-HMAC-SHA256 Credential=AKID${'*'.repeat(32)}/2019-02-25/cvm/tc3_request, ` +
        'SignedHeaders=content-type;host;x-tc-action, ' +
        'Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f',
    )
    expect(signed.headers['x-tc-timestamp']).toBe('1551113065')
  })

  it('is another one for another body, action or day', () => {
    const { call, signer } = tencentExample
    const changed = [
      { call: { ...call, body: '{}' }, signer },
      { call: { ...call, action: 'SendSms' }, signer },
      { call, signer: { ...signer, now: new Date(1_551_199_465_000) } },
    ]

    const signatures = [tencentExample, ...changed].map((each) =>
      signTencentCall(each.call, each.signer).headers['authorization']?.replace(/.*Signature=/, ''),
    )

    expect(new Set(signatures).size).toBe(4)
  })
})
