import { describe, expect, test } from 'vitest'
import { clusterDomains, isAllowedHost, serviceNames } from '../../../src/http/auth/hosts.ts'

describe('a Host header', () => {
  test.each([
    undefined,
    'localhost',
    'LOCALHOST:8888',
    '127.0.0.1',
    '127.0.0.1:80',
    '10.0.0.1:8888',
    '[::1]',
    '[fd00::17]:8888',
  ])('%s is never the name of a page of another site', (host) => {
    expect(isAllowedHost(host, [])).toBe(true)
  })

  test.each([
    '',
    'evil.example',
    'evil.example:8888',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '0x7f000001',
    'localhost:x',
    '[evil.example]',
    'evil.example@localhost',
    'jobs.example.evil.example',
    'notjobs.example',
  ])('%s is refused', (host) => {
    expect(isAllowedHost(host, ['jobs.example', '*.jobs.example'])).toBe(false)
  })

  test.each(['jobs.example', 'JOBS.example:443', 'jobs.example.', 'a.jobs.example', 'a.b.jobs.example'])(
    '%s is one of the names that are allowed',
    (host) => {
      expect(isAllowedHost(host, ['jobs.example', '*.jobs.example'])).toBe(true)
    },
  )

  test('every name is allowed with "*"', () => {
    expect(isAllowedHost('evil.example', ['*'])).toBe(true)
  })
})

describe('the names of a Service', () => {
  const domains = clusterDomains(
    'search research.svc.corp.test svc.corp.test corp.test\nnameserver 10.0.0.1\n',
  )
  const names = serviceNames('research', domains)

  test.each([
    'jobferry:8888',
    'jobferry.research:8888',
    'jobferry.research.svc:8888',
    'jobferry.research.svc.cluster.local:8888',
    'jobferry.research.svc.corp.test.',
    'eu-jobferry.research.svc',
  ])('%s reaches the API from within the cluster', (host) => {
    expect(isAllowedHost(host, names)).toBe(true)
  })

  test.each(['evil.research', 'jobferry.other', 'jobferry.research.svc.evil.example', 'research.svc', 'svc'])(
    '%s does not',
    (host) => {
      expect(isAllowedHost(host, names)).toBe(false)
    },
  )
})
