//! What users may do, in a database as Django fills it.

use cloakroom_core::auth::{CreateUser, Permissions, User, UserCreated, UserStore as _};
use cloakroom_core::time::Timestamp;
use cloakroom_stores::SqliteStore;

use crate::folder::{Folder, edit};

async fn create(store: &SqliteStore, name: &str) -> User {
    let user = User::new("", name, Timestamp::now());
    match store.create_user(&user, CreateUser::Always).await.unwrap() {
        UserCreated::Created(user) => user,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn permissions_are_the_user_s_own_and_those_of_the_groups() {
    let folder = Folder::new();
    let store = folder.django().await;
    let ann = create(&store, "ann").await;
    let ben = create(&store, "ben").await;
    edit(
        store.path(),
        &format!(
            "INSERT INTO auth_group (id, name) VALUES (1, 'clerks'), (2, 'sessions.add_session');
             INSERT INTO auth_user_groups (user_id, group_id) VALUES ({ann}, 1), ({ben}, 2);
             INSERT INTO auth_group_permissions (group_id, permission_id)
                 SELECT 1, id FROM auth_permission WHERE codename IN ('view_user', 'view_group');
             INSERT INTO auth_user_user_permissions (user_id, permission_id)
                 SELECT {ann}, id FROM auth_permission WHERE codename IN ('add_session', 'view_user');
             INSERT INTO auth_user_user_permissions (user_id, permission_id)
                 SELECT {ben}, id FROM auth_permission WHERE codename = 'delete_user';",
            ann = ann.id,
            ben = ben.id
        ),
    );
    let rows = [
        ("auth.view_user", true, false),
        ("auth.view_group", true, false),
        ("sessions.add_session", true, false),
        ("auth.delete_user", false, true),
        ("auth.add_session", false, false),
        ("clerks", false, false),
    ];
    let of_ann = Permissions::load(&store, &ann).await.unwrap();
    let of_ben = Permissions::load(&store, &ben).await.unwrap();
    for (permission, ann_has, ben_has) in rows {
        assert_eq!(of_ann.has(permission), ann_has, "{permission}");
        assert_eq!(of_ben.has(permission), ben_has, "{permission}");
    }
    assert!(of_ann.has_module("sessions") && !of_ben.has_module("sessions"));
}

#[tokio::test]
async fn an_id_of_another_table_was_granted_nothing() {
    let store = Folder::new().ours().await;
    let user = User::new("2f3c9c1e-uuid", "ann", Timestamp::now());
    assert!(
        !Permissions::load(&store, &user)
            .await
            .unwrap()
            .has("auth.view_user")
    );
}

#[tokio::test]
async fn a_superuser_needs_no_grant_and_who_is_not_active_has_none() {
    let store = Folder::new().ours().await;
    let mut user = create(&store, "ann").await;
    user.is_superuser = true;
    assert!(
        Permissions::load(&store, &user)
            .await
            .unwrap()
            .has("auth.view_user")
    );
    user.is_active = false;
    assert!(
        !Permissions::load(&store, &user)
            .await
            .unwrap()
            .has("auth.view_user")
    );
}
