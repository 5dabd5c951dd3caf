// What the doctor finds, without what it says of every database of the tests: that a superuser made its log.
import type { Finding } from '../../server/doctor/finding.ts'

/** The findings that a test is about. */
export const ofInterest = (findings: Finding[]): Finding[] =>
  findings.filter(({ code }) => code !== 'log_of_superuser')
