// The sixty projects of the demo: an engineering office's year, written by hand. The position is the id: the first
// is project 1. The first fifty belong to acme, the rest to globex. Nothing here is random.

/** Which list of tasks a project is given. */
export type ProjectKind = 'bridge' | 'building' | 'road' | 'water' | 'rail' | 'marine' | 'energy'

/** How far a project has come. */
export type ProjectStatus = 'planned' | 'active' | 'on_hold' | 'done'

/** A project before it has a key: name, client, kind, status, starts on, ends on, budget, description. */
export type ProjectSeed = readonly [
  name: string,
  client: string,
  kind: ProjectKind,
  status: ProjectStatus,
  startsOn: string,
  endsOn: string,
  budget: number,
  description: string,
]

/** Projects 1–50. */
// biome-ignore format: one line a project
export const ACME_PROJECTS: readonly ProjectSeed[] = [
  ['Harbour bridge', 'Port of Lindhaven', 'bridge', 'active', '2025-03-10', '2027-08-31', 18_450_000, 'Replacement of the 1958 bascule bridge over the inner harbour: two lanes, tram tracks and a cycle deck. Navigation stays open except for eight announced weekends.'],
  ['Quay 7 sheet pile wall', 'Port of Lindhaven', 'marine', 'active', '2026-02-02', '2027-01-29', 6_280_000, 'New combined wall in front of the corroded one, 240 m, dredged to −11.5 m. Cranes keep working from the neighbouring quay.'],
  ['Riverside school extension', 'City of Lindhaven', 'building', 'active', '2026-01-12', '2027-07-16', 9_120_000, 'Twelve classrooms and a hall in timber, built beside the running school. Noisy work only outside lessons.'],
  ['Ring road noise barrier', 'Northern Roads Authority', 'road', 'planned', '2027-03-01', '2027-11-26', 2_340_000, '1.8 km of absorbing barrier, 4 m high, along the allotments between junctions 5 and 6.'],
  ['Old Mill pumping station', 'Lindwater', 'water', 'active', '2025-09-15', '2026-12-18', 3_760_000, 'Three new pumps and a second power feed for the station that drains the lower town.'],
  ['Westgate tram extension', 'Lindhaven Transit', 'rail', 'active', '2025-05-19', '2028-04-28', 41_900_000, 'Line 4 from Westgate to the hospital: 3.1 km of double track, five stops, one new substation.'],
  ['Hillcrest water tower', 'Lindwater', 'water', 'done', '2024-04-08', '2025-10-31', 1_980_000, 'Concrete repair and new lining of the 1931 tower. Listed building: the brick shell stayed as it was.'],
  ['Station square', 'City of Lindhaven', 'road', 'active', '2026-03-23', '2027-06-30', 5_450_000, 'Paving, drainage, lighting and forty trees. The taxi rank moves to the north side.'],
  ['Elm Street bridge bearings', 'City of Lindhaven', 'bridge', 'done', '2025-02-17', '2025-09-12', 640_000, 'Sixteen elastomeric bearings replaced, deck lifted 30 mm in night closures.'],
  ['Central library roof', 'City of Lindhaven', 'building', 'on_hold', '2026-04-13', '2027-02-26', 1_870_000, 'New copper roof and insulation above the reading room. Waits for the heritage office on the skylights.'],
  ['Marsh Lane flood wall', 'Coastal Protection Board', 'marine', 'active', '2025-11-03', '2027-03-31', 7_640_000, 'Wall and two gates that keep a 200-year surge out of the Marsh Lane quarter.'],
  ['Airport apron C', 'Lindhaven Airport', 'road', 'planned', '2027-02-15', '2028-01-31', 12_300_000, 'Concrete apron for four stands, with de-icing drainage to a separate tank.'],
  ['North Valley viaduct', 'Northern Roads Authority', 'bridge', 'active', '2024-09-02', '2027-05-28', 33_750_000, 'Nine spans, 412 m, incrementally launched from the east abutment.'],
  ['Bakery Lane housing', 'Habita Cooperative', 'building', 'active', '2026-05-04', '2028-02-25', 14_600_000, 'Sixty-four flats around a yard, parking below, photovoltaics on all roofs.'],
  ['District heating south', 'Lindhaven Energy', 'energy', 'active', '2025-08-11', '2027-09-30', 11_200_000, 'Pre-insulated pipe DN 400, 4.6 km, with house connections for 310 buildings.'],
  ['Kingsway resurfacing', 'City of Lindhaven', 'road', 'done', '2025-06-02', '2025-08-29', 890_000, 'Binder and surface course renewed over 2.2 km, kerbs lowered at nine crossings.'],
  ['Ferry terminal', 'Port of Lindhaven', 'building', 'planned', '2027-01-18', '2029-03-30', 22_800_000, 'Two-storey terminal with foot passenger bridge and a ramp for two lanes.'],
  ['Reservoir 2 relining', 'Lindwater', 'water', 'active', '2026-06-08', '2027-04-23', 2_150_000, 'Both chambers relined one after the other, so that supply never stops.'],
  ['Brookfield depot', 'Lindhaven Transit', 'rail', 'active', '2025-10-06', '2027-12-17', 19_300_000, 'Stabling for 28 trams, wheel lathe, washing plant with recycled water.'],
  ['Castle Hill retaining wall', 'City of Lindhaven', 'road', 'on_hold', '2026-03-02', '2026-12-11', 1_260_000, 'Anchored wall above Castle Street. Stopped after the archaeologists found a cistern.'],
  ['Substation Eastfield', 'Lindhaven Energy', 'energy', 'active', '2026-01-26', '2027-10-29', 8_940_000, 'Two 40 MVA transformers in an enclosed building, oil pits and fire walls.'],
  ['Lock 3 gates', 'Inland Waterways', 'marine', 'done', '2024-10-14', '2026-03-27', 4_470_000, 'Mitre gates and drives replaced in two winter closures.'],
  ['University laboratory wing', 'Lind University', 'building', 'active', '2025-04-28', '2027-08-13', 27_400_000, 'Laboratories on four floors with vibration limits VC-C on the ground floor.'],
  ['Cycle route 12', 'Northern Roads Authority', 'road', 'active', '2026-04-07', '2027-05-07', 3_080_000, '9.4 km of separated cycle route with two underpasses and a ford bridge.'],
  ['Mill race footbridge', 'City of Lindhaven', 'bridge', 'planned', '2027-04-05', '2027-10-29', 720_000, 'Steel arch, 34 m, lifted in one piece at night.'],
  ['Wastewater plant stage 4', 'Lindwater', 'water', 'active', '2025-01-20', '2028-06-30', 38_600_000, 'Fourth treatment stage with ozone and sand filters for 240,000 inhabitants.'],
  ['Town hall seismic survey', 'City of Lindhaven', 'building', 'done', '2025-09-01', '2026-02-13', 185_000, 'Survey, model and three ways to strengthen the tower, with costs.'],
  ['Grain silo conversion', 'Habita Cooperative', 'building', 'on_hold', '2026-02-16', '2028-05-26', 16_900_000, 'Lofts in the 1912 silo. On hold until the bank agrees to the new cost plan.'],
  ['Junction 9 roundabout', 'Northern Roads Authority', 'road', 'active', '2026-07-06', '2027-04-30', 2_690_000, 'Turbo roundabout in place of the lights, with an underpass for walkers.'],
  ['Signal box renewal', 'National Rail Infrastructure', 'rail', 'active', '2025-12-01', '2027-11-12', 13_700_000, 'Interlocking for the Lind–Aubach line, 46 sets of points, changeover in one weekend.'],
  ['Solar park Heathfield', 'Lindhaven Energy', 'energy', 'active', '2026-03-16', '2026-12-18', 6_050_000, '11.2 MWp on the closed landfill, foundations without piercing the cap.'],
  ['Breakwater repair', 'Port of Lindhaven', 'marine', 'planned', '2027-05-03', '2027-09-24', 3_330_000, '1,900 armour blocks after the January storm, placed from a barge.'],
  ['Primary school north', 'City of Lindhaven', 'building', 'planned', '2027-02-01', '2028-08-11', 17_250_000, 'Two-form entry school with sports hall that the quarter can use in the evening.'],
  ['Aqueduct inspection', 'Lindwater', 'water', 'done', '2026-04-20', '2026-08-28', 96_000, 'Rope access and drone survey of 31 arches, defects mapped and ranked.'],
  ['Tunnel lighting Ravensberg', 'Northern Roads Authority', 'road', 'active', '2026-08-10', '2027-03-19', 1_540_000, 'LED lighting and emergency signs in both tubes, one tube closed at a time.'],
  ['Market hall', 'City of Lindhaven', 'building', 'active', '2025-11-24', '2027-05-21', 8_310_000, 'Iron structure of 1896 taken down, repaired in the works and put up again.'],
  ['Platform lengthening Aubach', 'National Rail Infrastructure', 'rail', 'done', '2025-07-14', '2026-05-29', 2_260_000, 'Both platforms from 120 m to 210 m, built in 26 night possessions.'],
  ['Stormwater tunnel', 'Lindwater', 'water', 'active', '2024-11-11', '2028-09-29', 52_800_000, '2.9 km, inner diameter 4.2 m, 18 m below the old town; shaft 2 is the critical path.'],
  ['Hospital car park', 'Lind University Hospital', 'building', 'active', '2026-05-18', '2027-09-10', 7_190_000, '620 spaces on five decks, precast, with chargers on the lowest two.'],
  ['Weir Lindmouth', 'Inland Waterways', 'marine', 'active', '2025-06-23', '2027-11-26', 15_400_000, 'Three radial gates in place of the needle weir, with a fish pass.'],
  ['Overhead line Section B', 'National Rail Infrastructure', 'rail', 'on_hold', '2026-01-05', '2027-06-25', 9_870_000, 'Masts and contact wire for 14 km. Waits for the possession plan of 2027.'],
  ['Kiln Road bridge widening', 'Northern Roads Authority', 'bridge', 'active', '2026-02-23', '2027-07-30', 4_980_000, 'Third lane and footways on both sides, on widened piers.'],
  ['Biogas plant', 'Lindhaven Energy', 'energy', 'planned', '2027-03-15', '2028-07-28', 10_600_000, 'Two digesters and gas upgrading for 14,000 t of food waste a year.'],
  ['Fire station 3', 'City of Lindhaven', 'building', 'active', '2025-10-20', '2027-02-12', 6_730_000, 'Five bays, training tower, standby rooms; the old station stays in service until handover.'],
  ['Canal towpath', 'Inland Waterways', 'road', 'done', '2025-08-18', '2026-06-19', 1_120_000, '5.5 km of towpath widened to 3 m and made firm for winter.'],
  ['Cold store foundations', 'Norden Logistics', 'building', 'active', '2026-09-07', '2027-03-26', 3_940_000, '312 bored piles and a heated slab for a −25 °C high-bay store.'],
  ['Wind farm access roads', 'Lindhaven Energy', 'energy', 'done', '2025-03-31', '2026-01-30', 2_870_000, '7.8 km of access and nine crane pads on peat.'],
  ['Aubach culvert', 'Northern Roads Authority', 'water', 'active', '2026-08-24', '2027-02-26', 980_000, 'Corroded steel culvert replaced by a concrete frame with a dry ledge for otters.'],
  ['Opera house stage', 'City of Lindhaven', 'building', 'planned', '2027-06-28', '2028-09-15', 12_950_000, 'New stage machinery and grid, in two summer breaks.'],
  ['Container yard lighting', 'Port of Lindhaven', 'energy', 'active', '2026-06-22', '2026-12-11', 1_310_000, 'Eighteen masts, 30 m, dimmed by crane position.'],
]

/** Projects 51–60. */
// biome-ignore format: one line a project
export const GLOBEX_PROJECTS: readonly ProjectSeed[] = [
  ['Cable-stayed bridge Omsund', 'Omsund County', 'bridge', 'active', '2025-02-03', '2028-11-24', 64_200_000, 'Main span 310 m, two pylons founded in 22 m of water.'],
  ['Data hall 5', 'Fjordcloud', 'building', 'active', '2026-01-19', '2027-03-12', 31_500_000, 'Steel hall for 9 MW of servers; waste heat goes to the greenhouse next door.'],
  ['Harbour crane rails', 'Omsund Port', 'marine', 'active', '2026-04-27', '2027-01-22', 2_410_000, '880 m of crane rail on a new pile-supported beam.'],
  ['Airport rail link', 'Omsund Rail', 'rail', 'planned', '2027-04-12', '2030-06-28', 118_000_000, 'Single track with passing loop, 6.4 km, of which 1.2 km in tunnel.'],
  ['Desalination intake', 'Omsund Water', 'water', 'active', '2025-10-13', '2027-06-18', 9_780_000, 'Two intake pipes DN 1200, 640 m offshore, in trench.'],
  ['Museum annex', 'Omsund Museum', 'building', 'on_hold', '2026-02-09', '2027-10-29', 7_050_000, 'Exhibition hall in exposed concrete. On hold: the donor wants a second storey.'],
  ['Motorway lot 14', 'Southern Highways', 'road', 'active', '2024-08-19', '2027-12-10', 86_300_000, '11 km of dual carriageway, four structures, one wildlife crossing.'],
  ['Hydro plant penstock', 'Omsund Power', 'energy', 'done', '2024-05-06', '2026-05-22', 14_150_000, 'Steel penstock of 1949 replaced over 780 m at 34 degrees.'],
  ['Ski lift foundations', 'Highfell Resorts', 'energy', 'done', '2026-05-25', '2026-10-16', 1_090_000, 'Fourteen tower foundations, concrete by helicopter.'],
  ['Slope drainage Route 62', 'Southern Highways', 'road', 'active', '2026-07-13', '2027-05-14', 1_760_000, 'Drilled drains and a buttress where the road moves 4 mm a month.'],
]
