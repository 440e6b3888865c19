PRAGMA application_id = 1297236814;
PRAGMA user_version = 3;
CREATE TABLE categories (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        color TEXT NOT NULL,
        key INTEGER UNIQUE CHECK (key BETWEEN 1 AND 9)
    , description TEXT NOT NULL DEFAULT '', supercategory TEXT NOT NULL DEFAULT '', attributes TEXT NOT NULL DEFAULT '[]', original TEXT NOT NULL DEFAULT '');
INSERT INTO "categories" VALUES(1,'category 1','#e69f00',1,'','','[]','');
INSERT INTO "categories" VALUES(2,'category 2','#56b4e9',2,'','','[]','');
INSERT INTO "categories" VALUES(7,'category 7','#cc79a7',3,'d','s','["a"]','{"id":7}');
CREATE TABLE decisions (
        image_id INTEGER NOT NULL REFERENCES images,
        key TEXT NOT NULL,
        verdict TEXT NOT NULL CHECK (verdict IN ('accepted', 'rejected')),
        category TEXT NOT NULL,
        score REAL NOT NULL,
        model_version TEXT NOT NULL,
        x INTEGER NOT NULL,
        y INTEGER NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        mask BLOB NOT NULL,
        PRIMARY KEY (image_id, key)
    );
INSERT INTO "decisions" VALUES(1,'b5f1a6ed490f3468','accepted','object',0.5,'v1',1,2,3,4,X'7801FBFF010002F001F0');
INSERT INTO "decisions" VALUES(1,'64d80d1e3bac98b9','rejected','object',0.5,'v1',9,2,3,4,X'7801FBFF010002F001F0');
CREATE TABLE edits (
        image_id INTEGER NOT NULL REFERENCES images,
        position INTEGER NOT NULL,
        title TEXT NOT NULL,
        edit TEXT NOT NULL, project_edit INTEGER REFERENCES project_edits,
        PRIMARY KEY (image_id, position)
    );
INSERT INTO "edits" VALUES(1,1,'Add instance','{"kind":"batch","edits":[{"kind":"set_review_status","before":"todo","after":"in_progress"},{"kind":"add_instance","instance":{"id":1,"category_id":1,"mask":{"x":1,"y":2,"width":3,"height":4,"counts":"0<"},"source":"human","model_version":"","score":null}}],"title":"Add instance"}',NULL);
INSERT INTO "edits" VALUES(1,2,'Paint mask','{"kind":"paint_mask","instance_id":1,"xor":{"x":2,"y":3,"width":4,"height":5,"counts":"0d0"}}',NULL);
INSERT INTO "edits" VALUES(1,3,'Accept suggestion','{"kind":"accept_suggestion","suggestion":{"key":"b5f1a6ed490f3468","category":"object","score":0.5,"mask":{"x":1,"y":2,"width":3,"height":4,"counts":"0<"},"model_version":"v1"},"instance":{"id":2,"category_id":2,"mask":{"x":1,"y":2,"width":3,"height":4,"counts":"0<"},"source":"model","model_version":"v1","score":0.5},"revoked":false}',NULL);
INSERT INTO "edits" VALUES(1,4,'Reject suggestion','{"kind":"reject_suggestion","suggestion":{"key":"64d80d1e3bac98b9","category":"object","score":0.5,"mask":{"x":9,"y":2,"width":3,"height":4,"counts":"0<"},"model_version":"v1"},"revoked":false}',NULL);
INSERT INTO "edits" VALUES(1,5,'Set attributes','{"kind":"set_attributes","instance_id":1,"before":{},"after":{"note":"\u00fc"}}',NULL);
INSERT INTO "edits" VALUES(1,6,'Set category','{"kind":"set_category","instance_id":1,"before":1,"after":7}',NULL);
INSERT INTO "edits" VALUES(1,7,'Mark as done','{"kind":"set_review_status","before":"in_progress","after":"done"}',NULL);
INSERT INTO "edits" VALUES(1,8,'Delete instance','{"kind":"remove_instance","instance":{"id":2,"category_id":2,"mask":{"x":1,"y":2,"width":3,"height":4,"counts":"0<"},"source":"model","model_version":"v1","score":0.5}}',NULL);
CREATE TABLE "images" (
        id INTEGER PRIMARY KEY,
        path TEXT NOT NULL,
        page INTEGER NOT NULL DEFAULT 0,
        pages INTEGER NOT NULL DEFAULT 1,
        width INTEGER NOT NULL DEFAULT 0,
        height INTEGER NOT NULL DEFAULT 0,
        orientation INTEGER NOT NULL DEFAULT 1 CHECK (orientation BETWEEN 1 AND 8),
        file_size INTEGER NOT NULL DEFAULT 0,
        modified_ns INTEGER NOT NULL DEFAULT 0,
        content_hash TEXT NOT NULL DEFAULT '',
        status TEXT NOT NULL DEFAULT 'todo' CHECK (status IN ('todo', 'in_progress', 'done')),
        side TEXT CHECK (side IN ('train', 'validation', 'test')),
        "group" TEXT NOT NULL DEFAULT '',
        reviewer TEXT NOT NULL DEFAULT '',
        comment TEXT NOT NULL DEFAULT '',
        problem TEXT NOT NULL DEFAULT '',
        export_id INTEGER NOT NULL UNIQUE,
        import_id INTEGER REFERENCES imports,
        original TEXT NOT NULL DEFAULT '',
        cursor INTEGER NOT NULL DEFAULT 0 CHECK (cursor >= 0),
        UNIQUE (path, page)
    );
INSERT INTO "images" VALUES(1,'../a.jpg',0,1,20,16,6,9,10,'ffffffffffffffffffffffffffffffff','done','train','g','r','c','',1,1,'{"file_name":"a.jpg","id":1}',7);
CREATE TABLE imports (id INTEGER PRIMARY KEY, name TEXT NOT NULL, rest TEXT NOT NULL);
INSERT INTO "imports" VALUES(1,'labels.json','{"info":{"year":2026}}');
CREATE TABLE instances (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        image_id INTEGER NOT NULL REFERENCES images,
        category_id INTEGER NOT NULL REFERENCES categories,
        source TEXT NOT NULL CHECK (source IN ('human', 'imported', 'model')),
        model_version TEXT NOT NULL,
        score REAL,
        is_crowd INTEGER NOT NULL,
        attributes TEXT NOT NULL,
        original TEXT NOT NULL,
        x INTEGER NOT NULL,
        y INTEGER NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        mask BLOB NOT NULL
    , z_order INTEGER NOT NULL DEFAULT 0, locked INTEGER NOT NULL DEFAULT 0, seconds REAL NOT NULL DEFAULT 0, untouched INTEGER NOT NULL DEFAULT 0);
INSERT INTO "instances" VALUES(1,1,7,'human','',NULL,0,'{"note": "\u00fc"}','',1,2,5,6,X'78017BF2DC7C0F00077302BF',0,0,0.0,0);
INSERT INTO "instances" VALUES(2,1,2,'model','v1',0.5,0,'{}','',1,2,3,4,X'7801FBFF010002F001F0',0,0,0.0,0);
CREATE TABLE model_versions (
        id TEXT PRIMARY KEY,
        parent TEXT NOT NULL,
        run_id TEXT REFERENCES runs,
        verdict TEXT NOT NULL,
        metrics TEXT NOT NULL
    );
INSERT INTO "model_versions" VALUES('v2','starter','r1','promoted','{}');
CREATE TABLE project_edits (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        title TEXT NOT NULL,
        edit TEXT NOT NULL,
        undone INTEGER NOT NULL DEFAULT 0
    );
CREATE TABLE regions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        image_id INTEGER NOT NULL REFERENCES images,
        kind TEXT NOT NULL CHECK (kind IN ('finished', 'ignore')),
        x INTEGER NOT NULL,
        y INTEGER NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        mask BLOB NOT NULL
    );
INSERT INTO "regions" VALUES(1,1,'ignore',1,2,3,4,X'7801FBFF010002F001F0');
CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        parent TEXT NOT NULL,
        state TEXT NOT NULL,
        options TEXT NOT NULL,
        snapshot_hash TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT ''
    );
INSERT INTO "runs" VALUES('r1','starter','finished','{}','ff','');
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO "settings" VALUES('active_model','v2');
CREATE TABLE strokes (
        id INTEGER PRIMARY KEY,
        image_id INTEGER NOT NULL REFERENCES images,
        instance_id INTEGER NOT NULL REFERENCES instances ON DELETE CASCADE,
        x INTEGER NOT NULL,
        y INTEGER NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        mask BLOB NOT NULL
    );
INSERT INTO "strokes" VALUES(1,1,1,1,2,3,4,X'7801FBFF010002F001F0');
INSERT INTO "strokes" VALUES(2,1,1,1,2,3,4,X'7801FBFF010002F001F0');
CREATE INDEX instances_by_image ON instances (image_id, source);
CREATE INDEX images_by_hash ON images (content_hash);
CREATE INDEX instances_by_category ON instances (category_id, image_id);
CREATE INDEX strokes_by_image ON strokes (image_id);
CREATE INDEX strokes_by_instance ON strokes (instance_id);
CREATE INDEX regions_by_image ON regions (image_id);
CREATE INDEX edits_by_project_edit ON edits (project_edit) WHERE project_edit NOT NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('instances',2);
INSERT INTO "sqlite_sequence" VALUES('regions',1);
