-- The board database. `references` is a reserved word, hence reference_masks.
-- Scores are joined to images and datasets through reference_masks.
CREATE TABLE IF NOT EXISTS meta (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS models (
    model VARCHAR PRIMARY KEY, label VARCHAR NOT NULL, family VARCHAR NOT NULL, kind VARCHAR NOT NULL,
    prompts VARCHAR[] NOT NULL, clicks BOOLEAN NOT NULL, parameters BIGINT, input_size_px INTEGER,
    licence VARCHAR NOT NULL, source VARCHAR NOT NULL, training_data VARCHAR[], description VARCHAR NOT NULL,
    base_model VARCHAR); -- base_model: of a fine-tuned one
CREATE TABLE IF NOT EXISTS datasets (
    dataset VARCHAR PRIMARY KEY, label VARCHAR NOT NULL, version VARCHAR NOT NULL, licence VARCHAR NOT NULL,
    citation VARCHAR NOT NULL, source VARCHAR NOT NULL, cluster_unit VARCHAR NOT NULL, -- patient, volume, image
    synthetic BOOLEAN NOT NULL, protocol VARCHAR NOT NULL, normalisation VARCHAR NOT NULL,
    subsample VARCHAR NOT NULL, pack_sha256 VARCHAR NOT NULL, prompts_sha256 VARCHAR NOT NULL,
    permissions VARCHAR[] NOT NULL);
CREATE TABLE IF NOT EXISTS expected_counts ( -- what a complete copy of a dataset holds, and what the pack does
    dataset VARCHAR NOT NULL, part VARCHAR NOT NULL, modality VARCHAR NOT NULL, object VARCHAR NOT NULL, -- empty: all
    unit VARCHAR NOT NULL, expected BIGINT NOT NULL, source VARCHAR NOT NULL, found BIGINT NOT NULL); -- unit: cases, pictures, references
CREATE TABLE IF NOT EXISTS images (
    image_id VARCHAR PRIMARY KEY, dataset VARCHAR NOT NULL, modality VARCHAR NOT NULL,
    cluster_id VARCHAR NOT NULL, height INTEGER NOT NULL, width INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS reference_masks (
    reference_id VARCHAR PRIMARY KEY, image_id VARCHAR NOT NULL, object VARCHAR NOT NULL, instance INTEGER NOT NULL,
    size_px BIGINT, aspect_ratio DOUBLE, intensity_difference DOUBLE, boundary_complexity DOUBLE,
    efd_order INTEGER, components INTEGER, position DOUBLE);
CREATE TABLE IF NOT EXISTS board_references ( -- what the full track ranks on: see store/queries/board_references.py
    reference_id VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS track_references ( -- the same for core and counts; fixed: no run changes it
    track VARCHAR NOT NULL, reference_id VARCHAR NOT NULL, fixed BOOLEAN NOT NULL);
CREATE TABLE IF NOT EXISTS runs (
    run_id VARCHAR PRIMARY KEY, model VARCHAR NOT NULL, dataset VARCHAR NOT NULL, study VARCHAR NOT NULL,
    protocol VARCHAR NOT NULL, prompts_sha256 VARCHAR NOT NULL, checkpoint_sha256 VARCHAR, device VARCHAR NOT NULL, seed BIGINT NOT NULL,
    track VARCHAR NOT NULL, tier VARCHAR NOT NULL, started_utc VARCHAR NOT NULL, provenance VARCHAR NOT NULL); -- JSON
CREATE TABLE IF NOT EXISTS shards (
    run_id VARCHAR NOT NULL, shard VARCHAR NOT NULL, sha256 VARCHAR NOT NULL, rows BIGINT NOT NULL,
    PRIMARY KEY (run_id, shard));
CREATE TABLE IF NOT EXISTS scores (
    run_id VARCHAR NOT NULL, model VARCHAR NOT NULL, reference_id VARCHAR NOT NULL, prompt VARCHAR NOT NULL,
    study VARCHAR NOT NULL, jitter_level INTEGER, jitter_mode VARCHAR, trial INTEGER NOT NULL, click INTEGER,
    selection VARCHAR NOT NULL, tp BIGINT NOT NULL, fp BIGINT NOT NULL, fn BIGINT NOT NULL,
    -- boundaries are NULL on the track `counts` alone
    hd_px DOUBLE, hd95_px DOUBLE, assd_px DOUBLE, nsd DOUBLE, nsd_rel DOUBLE, boundary_iou DOUBLE,
    predicted_iou DOUBLE, status VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS volumes ( -- spacing_mm: along (slice, row, column)
    volume_id VARCHAR PRIMARY KEY, dataset VARCHAR NOT NULL, modality VARCHAR NOT NULL, cluster_id VARCHAR NOT NULL,
    slices INTEGER NOT NULL, height INTEGER NOT NULL, width INTEGER NOT NULL, spacing_mm DOUBLE[] NOT NULL);
CREATE TABLE IF NOT EXISTS volume_references (
    volume_reference_id VARCHAR PRIMARY KEY, volume_id VARCHAR NOT NULL, object VARCHAR NOT NULL, instance INTEGER NOT NULL,
    slices INTEGER NOT NULL, voxels BIGINT NOT NULL, prompt_slice INTEGER NOT NULL,
    box_reference_ids VARCHAR[] NOT NULL); -- in reference_masks, one for each slice with a box; none: no each-box
CREATE TABLE IF NOT EXISTS volume_scores (
    run_id VARCHAR NOT NULL, model VARCHAR NOT NULL, volume_reference_id VARCHAR NOT NULL, prompt VARCHAR NOT NULL,
    propagation VARCHAR NOT NULL, -- memory, chain, native
    tp BIGINT NOT NULL, fp BIGINT NOT NULL, fn BIGINT NOT NULL, -- voxels
    nsd_2mm DOUBLE NOT NULL, hd95_mm DOUBLE NOT NULL, overrun_slices INTEGER NOT NULL, missed_slices INTEGER NOT NULL,
    -- mean Dice in five parts of the way from the prompt slice to either end; NULL: no slice there
    dice_part_1 DOUBLE, dice_part_2 DOUBLE, dice_part_3 DOUBLE, dice_part_4 DOUBLE, dice_part_5 DOUBLE,
    first_slice_s DOUBLE, volume_s DOUBLE, peak_bytes BIGINT NOT NULL, status VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS timings (
    run_id VARCHAR NOT NULL, model VARCHAR NOT NULL, device VARCHAR NOT NULL, stage VARCHAR NOT NULL,
    items BIGINT NOT NULL, median_s DOUBLE NOT NULL, peak_bytes BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS annotations (
    reader VARCHAR NOT NULL, image VARCHAR NOT NULL, reference_id VARCHAR NOT NULL, arm VARCHAR NOT NULL, -- unaided, assisted
    seconds DOUBLE NOT NULL, tp BIGINT NOT NULL, fp BIGINT NOT NULL, fn BIGINT NOT NULL, hce DOUBLE);
CREATE TABLE IF NOT EXISTS seen_clusters ( -- which clusters a fine-tuned model was trained or chosen on
    model VARCHAR NOT NULL, dataset VARCHAR NOT NULL, cluster_id VARCHAR NOT NULL,
    PRIMARY KEY (model, dataset, cluster_id));
CREATE TABLE IF NOT EXISTS ledger ( -- submissions, those that are not ranked too
    slug VARCHAR PRIMARY KEY, name VARCHAR NOT NULL, version INTEGER NOT NULL,
    state VARCHAR NOT NULL, -- shown, left-out, held, withdrawn, taken-down
    tier VARCHAR NOT NULL, track VARCHAR NOT NULL, benchmark VARCHAR NOT NULL, accepted_utc VARCHAR NOT NULL,
    reason VARCHAR NOT NULL);
