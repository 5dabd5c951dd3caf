// Generated interleavings of a few editors: the invariant of the editor as a property.
import fc from 'fast-check'
import type { nextRecordState } from '../../../../web/client/record/reducer.ts'
import { createWorld, STEPS, type Step } from './record-world.ts'

const anyStep = fc.record<Step>({
  who: fc.nat(3),
  what: fc.oneof(
    { weight: 5, arbitrary: fc.constant('deliver' as const) },
    { weight: 3, arbitrary: fc.constantFrom('type' as const, 'save' as const) },
    { weight: 3, arbitrary: fc.constantFrom(...STEPS) },
  ),
  pick: fc.nat(7),
})
/** Two people of one field: the second saves, the first looks at both values and then takes these steps. */
export const conflictThen = (...then: Step['what'][]) =>
  fc.tuple(fc.nat(7), fc.nat(7), fc.nat(7)).map(([pick, field, decision]): Step[] => {
    const many = (who: number, what: Step['what'], count: number) =>
      Array.from({ length: count }, () => ({ who, what, pick }))
    return [
      ...many(0, 'deliver', 3),
      ...many(1, 'deliver', 3),
      { who: 0, what: 'type', pick: field },
      { who: 1, what: 'type', pick: field },
      { who: 1, what: 'save', pick },
      ...many(1, 'deliver', 2),
      ...many(0, 'deliver', 2),
      { who: 0, what: 'review', pick },
      ...many(0, 'deliver', 2),
      ...then.map((what) => ({ who: 0, what, pick: decision })),
    ]
  })

/**
 * Half of the worlds lose nothing: there, everyone has to end up current without asking.
 *
 * @param often Comes often, among all other steps: what is broken there is found sooner.
 */
export function interleavings(next?: typeof nextRecordState, often?: fc.Arbitrary<Step[]>) {
  const one = anyStep.map((step) => [step])
  const act = often ? fc.oneof({ weight: 20, arbitrary: one }, { weight: 1, arbitrary: often }) : one
  const world = fc.record({ people: fc.integer({ min: 2, max: 4 }), isLossy: fc.boolean() })
  return fc.property(world, fc.array(act, { minLength: 15, maxLength: 90 }), ({ people, isLossy }, acts) => {
    const { act: play, settle } = createWorld(people, next)
    for (const one of acts.flat()) if (isLossy || one.what !== 'lose') play(one)
    settle()
  })
}
