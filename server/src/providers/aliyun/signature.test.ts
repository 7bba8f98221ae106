import { describe, expect, it } from 'vitest'
import { signAliyunCall } from './signature.ts'

/** The fixed example of "V3 request body & signature mechanism". */
const aliyunExample = {
  call: {
    endpoint: 'https://ecs.cn-shanghai.aliyuncs.com',
    action: 'RunInstances',
    version: '2014-05-26',
    parameters: {
      RegionId: 'cn-shanghai',
      ImageId: 'win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd',
    },
  },
  signer: {
    accessKeyId: 'YourAccessKeyId',
    accessKeySecret: 'YourAccessKeySecret',
    now: new Date('2023-10-26T10:22:32Z'),
    nonce: '3156853299f313e23d1673dc12e1703d',
  },
}

describe('the signature of Alibaba Cloud', () => {
  it('is that of the documentation’s example', () => {
    const signed = signAliyunCall(aliyunExample.call, aliyunExample.signer)

    expect(signed.headers['authorization']).toBe(
      'ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;' +
        'x-acs-date;x-acs-signature-nonce;x-acs-version,' +
        'Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0',
    )
    expect(signed.headers['x-acs-date']).toBe('2023-10-26T10:22:32Z')
  })

  it('covers the query as it is sent, in the order of the names, every reserved character encoded', () => {
    const parameters = { SignName: '对话 (test)*', 'A.1': "it's!", PhoneNumbers: '18812345678~' }

    const { url } = signAliyunCall({ ...aliyunExample.call, parameters }, aliyunExample.signer)

    expect(url.split('?')[1]).toBe(
      'A.1=it%27s%21&PhoneNumbers=18812345678~&SignName=%E5%AF%B9%E8%AF%9D%20%28test%29%2A',
    )
    expect(new URL(url).toString()).toBe(url)
  })

  it('covers the port of an endpoint that names one', () => {
    const call = { ...aliyunExample.call, endpoint: 'http://127.0.0.1:8080/' }

    const { url, headers } = signAliyunCall(call, aliyunExample.signer)

    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:8080\/\?ImageId=/)
    expect(headers['host']).toBe('127.0.0.1:8080')
  })
})
