import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { run } from '../support/run.ts'
import { type Given, type Rendered, renderChart, renderKustomize } from './rendered.ts'

const line = `alice:${createHash('sha256').update('token').digest('hex')}`
const given: Given = {
  namespace: 'research',
  settings: {
    ...{ S3_ENDPOINT: 'https://s3.example.org', PUBLIC_URL: 'https://jobs.example.org' },
    ...{ WAIT_MAX_SECONDS: '30', INPUT_MAX_BYTES: '10737418240' },
  },
  secrets: {
    ...{ API_TOKENS: line, CALLBACK_SECRETS: '*: whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz' },
    ...{ S3_ACCESS_KEY: 'api', S3_SECRET_KEY: 'secret-of-api' },
    ...{ S3_UPLOADER_ACCESS_KEY: 'uploader', S3_UPLOADER_SECRET_KEY: 'secret-of-uploader' },
  },
}
const values = {
  store: {
    endpoint: 'https://s3.example.org',
    ...{ accessKey: 'api', secretKey: 'secret-of-api' },
    ...{ uploaderAccessKey: 'uploader', uploaderSecretKey: 'secret-of-uploader' },
  },
  tokens: line,
  publicUrl: 'https://jobs.example.org',
  settings: { WAIT_MAX_SECONDS: 30, INPUT_MAX_BYTES: 10737418240 },
  secrets: { CALLBACK_SECRETS: '*: whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz' },
}

describe('the chart', () => {
  let chart: Map<string, Rendered>
  let overlay: Map<string, Rendered>
  beforeAll(async () => {
    chart = await renderChart(given.namespace, values)
    overlay = await renderKustomize(given)
  })

  it('makes the same objects as an overlay of manifests/base, field by field', () => {
    expect([...chart.keys()].sort()).toEqual([...overlay.keys()].sort())
    for (const [name, object] of overlay)
      expect(comparable(chart.get(name)), name).toEqual(comparable(object))
  })

  it('makes other pods of other settings, secrets and policies', async () => {
    const settingsOf = (objects: Map<string, Rendered>) =>
      JSON.stringify(objects.get('Deployment jobferry')?.spec).match(/jobferry\.dev\/settings":"(\w+)/)?.[1]
    const others = [{ publicUrl: 'https://other.example' }, { tokens: '' }, { policy: { images: 'none' } }]
    const all = await Promise.all(others.map((other) => renderChart('research', { ...values, ...other })))
    expect(new Set([chart, ...all].map(settingsOf)).size).toBe(4)
  })

  it('makes an Ingress on demand, takes a policy and further jobs', async () => {
    const ingress = { enabled: true, host: 'jobs.example.org', className: 'nginx', tlsSecret: 'certificate' }
    const objects = await renderChart('research', {
      ...{ ...values, ingress, policy: { images: 'none' }, jobs: { train: { image: 'x:1' } } },
    })
    expect(objects.get('Ingress jobferry')?.spec).toMatchObject({
      ingressClassName: 'nginx',
      tls: [{ secretName: 'certificate', hosts: ['jobs.example.org'] }],
      rules: [{ host: 'jobs.example.org' }],
    })
    expect(objects.get('ConfigMap jobferry-policy')?.data).toEqual({ 'policy.yaml': 'images: none' })
    expect(objects.get('ConfigMap jobferry-jobs')?.data).toMatchObject({ 'train.yaml': 'image: x:1' })
  })

  it('takes its secrets from a Secret that exists', async () => {
    const objects = await renderChart('research', { ...values, existingSecret: 'own' })
    expect([...objects.keys()]).not.toContain('Secret jobferry')
    expect(JSON.stringify(objects.get('Deployment jobferry'))).toContain('"secretRef":{"name":"own"}')
  })

  it.each([
    ['no endpoint of the store', { store: {} }, /store/],
    ['a misspelt value', { ...values, tokenz: line }, /tokenz/],
    ['a token that is no hash', { ...values, tokens: 'alice:secret' }, /tokens/],
    ['an Ingress without a host', { ...values, ingress: { enabled: true } }, /ingress\.host is missing/],
    [
      'a setting that the chart sets itself',
      { ...values, settings: { UPLOADER_IMAGE: 'x' } },
      /expected image/,
    ],
  ])('refuses %s', async (_, wrong, message) => {
    await expect(renderChart('research', wrong)).rejects.toThrow(message)
  })

  it('has no fault that helm lint finds', async () => {
    await run('helm', [
      'lint',
      '--strict',
      'manifests/chart',
      '--set',
      'store.endpoint=https://s3.example.org',
    ])
  })
})

/** Without what only one of both has: the namespace, which Helm gives itself, and encodings. */
function comparable(object: Rendered | undefined): unknown {
  const { namespace, ...metadata } = object?.metadata ?? { name: 'missing' }
  const plain = JSON.parse(JSON.stringify({ ...object, metadata })) as Record<string, unknown>
  if (object?.kind === 'Secret') {
    const { data, stringData, ...rest } = plain as Record<string, Record<string, string>>
    const decoded = Object.entries(data ?? {}).map(([name, text]) => [
      name,
      String(Buffer.from(text, 'base64')),
    ])
    return { ...rest, values: { ...Object.fromEntries(decoded), ...stringData } }
  }
  if (object?.kind === 'RoleBinding') delete (plain.subjects as Record<string, unknown>[])[0]?.namespace
  if (object?.kind === 'Deployment') {
    const { template } = plain.spec as { template: { metadata: Record<string, unknown> } }
    delete template.metadata.annotations
  }
  return plain
}
