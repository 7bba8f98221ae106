import { describe, expect, it } from 'vitest'
import { acs3Signature } from '../../../sms-emulator/src/acs3.ts'
import { canonicalQuery, parseAuthorization, type SignedCall } from '../../../sms-emulator/src/signatures.ts'
import { sigv4Signature } from '../../../sms-emulator/src/sigv4.ts'
import { tc3Signature } from '../../../sms-emulator/src/tc3.ts'

const callOf = (call: Partial<SignedCall>): SignedCall => ({
  method: 'POST',
  path: '/',
  query: '',
  headers: {},
  body: Buffer.alloc(0),
  ...call,
})

describe('the signatures of the services are those of their own examples:', () => {
  it('Alibaba Cloud’s RunInstances of "V3 request structure and signature"', () => {
    const call = callOf({
      // The wrong way round, so that they must be sorted.
      query: 'RegionId=cn-shanghai&ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd',
      headers: {
        host: 'ecs.cn-shanghai.aliyuncs.com',
        'x-acs-action': 'RunInstances',
        'x-acs-content-sha256': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
        'x-acs-date': '2023-10-26T10:22:32Z',
        'x-acs-signature-nonce': '3156853299f313e23d1673dc12e1703d',
        'x-acs-version': '2014-05-26',
      },
    })

    const signature = acs3Signature(call, Object.keys(call.headers), 'YourAccessKeySecret')

    expect(signature).toBe('06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0')
  })

  it('Tencent Cloud’s DescribeInstances of "Signature v3"', () => {
    const call = callOf({
      headers: { 'content-type': 'application/json; charset=utf-8', host: 'cvm.tencentcloudapi.com' },
      body: Buffer.from(
        '{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}',
      ),
    })

    const signature = tc3Signature(call, ['content-type', 'host'], {
      secretKey: 'Gu5t9xGARNpq86cd98joQYCN3EXAMPLE',
      service: 'cvm',
      timestamp: 1551113065,
    })

    expect(signature).toBe('72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168')
  })

  it('Amazon’s get-vanilla of the Signature Version 4 test suite', () => {
    const call = callOf({
      method: 'GET',
      headers: { host: 'example.amazonaws.com', 'x-amz-date': '20150830T123600Z' },
    })

    const signature = sigv4Signature(call, ['host', 'x-amz-date'], {
      secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
      region: 'us-east-1',
      service: 'service',
    })

    expect(signature).toBe('5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31')
  })
})

describe('the canonical query', () => {
  it.each([
    ['b=2&a=1', 'a=1&b=2'],
    ['a=2&a=1', 'a=1&a=2'],
    ['name', 'name='],
    ['a=x%20y', 'a=x%20y'],
    ["a=!'()*", 'a=%21%27%28%29%2A'],
    ['a=%e9%aa%8c', 'a=%E9%AA%8C'],
    ['a=~-_.', 'a=~-_.'],
    ['a=1=2', 'a=1%3D2'],
    ['', ''],
  ])('of %s is %s', (query, expected) => {
    expect(canonicalQuery(query)).toBe(expected)
  })
})

describe('an Authorization header', () => {
  it.each([
    ['of another algorithm', `AWS4-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=${'0'.repeat(64)}`],
    ['without its signature', 'ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host'],
    ['with a short signature', 'ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=00ff'],
    ['that is missing', undefined],
  ])('%s is not understood', (_what, header) => {
    expect(parseAuthorization('ACS3-HMAC-SHA256', header)).toBeUndefined()
  })
})
